"""The four services as real processes of a test's own, without the supervisor of `antiphon up`."""

import os
import random
import re
import socket
import sys
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.faults.servers import RedisServer, SqlServer
from tests.faults.suite.people import Person
from tests.faults.suite.processes import Keeper, Process

from antiphon.ffmpeg import find_ffmpeg
from common.db import Database
from common.db.migrate import upgrade

SERVICES = ("auth", "catalog", "playlist", "media")
WEBS = tuple(f"{service}.web" for service in SERVICES)
WORKERS = tuple(f"{service}.worker" for service in SERVICES)
JOBS = "media.jobs"
EVERYTHING = (*WEBS, *WORKERS, JOBS)
_ROOT = Path(__file__).parents[3]
CONTRACTS = _ROOT / "contracts"
_FROM_SYSTEM = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH")


class Suite:
    """What runs on one SQL server and one Redis; processes are named like `media.worker`.

    Each service's `schema` is its own name. Environment given here goes to all processes.
    """

    def __init__(
        self,
        folder: Path,
        run_dir: Path,
        sql: SqlServer,
        redis: RedisServer,
        environment: Mapping[str, str],
    ) -> None:
        self.sql, self.redis = sql, redis
        self.storage = folder / "media"
        self.processes: list[Process] = []
        self._logs, self._run_dir = folder / "logs", run_dir
        self._ports: dict[str, list[int]] = {service: [] for service in SERVICES}
        # The place of the first auth web, known before it runs: the others look for keys there.
        self._auth_port = free_port()
        self._environment = self._shared_environment() | dict(environment)
        self._databases: dict[str, Database] = {}
        self._people: list[Person] = []
        self._keeper = Keeper(lambda: list(self.processes))
        self._logs.mkdir()

    def migrate(self, *services: str) -> None:
        """Bring the schemas of services (all by default) to their newest revision."""
        for service in services or SERVICES:
            upgrade(service, self.sql.url(service))

    def start(self, *names: str, **environment: str) -> list[Process]:
        """Start a process of each name, another replica where there is one, until all are up."""
        started = [self.add(name, **environment) for name in names]
        for process in started:
            process.start()
        for process in started:
            process.wait_until_ready()
        return started

    def add(self, name: str, **environment: str) -> Process:
        """Add a process without starting it."""
        service, kind = name.split(".")
        number = 1 + sum(process.name.startswith(f"{name}#") for process in self.processes)
        if kind == "web":
            process = self._web(service, number, environment)
        elif kind == "worker":
            process = self._python(name, number, (name,), environment, r"worker_started")
        else:
            process = self._python(name, number, (name,), environment, r"celery@\S+ ready")
        self.processes.append(process)
        return process

    def add_module(self, name: str, module: str, *arguments: str) -> Process:
        """Add a process that runs a module of the tests with a service's environment, once."""
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        process = self._process(name, 1, (module, *arguments), {"PYTHONPATH": path}, lambda _: True)
        process.kept = False
        self.processes.append(process)
        return process

    def replicas(self, *names: str) -> list[Process]:
        """Return the processes of these names."""
        return [each for each in self.processes if each.name.split("#")[0] in names]

    def keep(self) -> None:
        """From now on start again what ends."""
        self._keeper.start()

    def url(self, service: str) -> str:
        """Return where one of the service's webs listens, any of them, as a balancer would."""
        return f"http://127.0.0.1:{random.choice(self._ports[service])}"

    def database(self, service: str) -> Database:
        """Return a connection to a service's schema, to look into it."""
        if service not in self._databases:
            self._databases[service] = Database(self.sql.url(service), pool_size=2)
        return self._databases[service]

    def person(self, name: str, rng: random.Random | None = None) -> Person:
        """Return somebody who is not yet registered."""
        person = Person(self.url, name, rng or random.Random(name))
        self._people.append(person)
        return person

    def tails(self, characters: int = 1500) -> str:
        """Return the end of every log, for messages of failed tests."""
        return "\n".join(f"--- {p.name}\n{p.output[-characters:]}" for p in self.processes)

    def close(self) -> None:
        """End everything; data stays for the test to throw away."""
        self._keeper.stop()
        for process in self.processes:
            if process.starts:
                process.kill()
        for person in self._people:
            person.close()
        for database in self._databases.values():
            database.dispose()

    def _shared_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _FROM_SYSTEM if name in os.environ}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self._run_dir),
            "BROKER_URL": self.redis.broker_url,
            "CACHE_URL": self.redis.cache_url,
            "JWKS_URL": f"http://127.0.0.1:{self._auth_port}/.well-known/jwks.json",
            "TOKEN_ISSUER": "http://localhost",
            "CONTRACTS_DIR": str(CONTRACTS),
            "AUTH_KEY_PASSPHRASE": "a passphrase for tests only",
            # All people of a test come from one address.
            "AUTH_REGISTER_RATE": "99999/minute",
            "AUTH_LOGIN_RATE": "99999/minute",
            "AUTH_LOGIN_ADDRESS_RATE": "99999/minute",
            "MEDIA_STORAGE_DIR": str(self.storage),
            "MEDIA_URL_SECRET": "a secret for tests only",
            "MEDIA_FFMPEG": find_ffmpeg(),
            "MEDIA_JOB_CONCURRENCY": "1",
            "MEDIA_JOB_GRACE_SECONDS": "1",
            "WEB_WORKERS": "1",
            "WEB_THREADS": "8",
            "WEB_DRAIN_SECONDS": "0",
        }

    def _python(
        self,
        name: str,
        number: int,
        module: tuple[str, ...],
        environment: Mapping[str, str],
        ready_line: str,
    ) -> Process:
        return self._process(name, number, module, environment, lambda p: _has_line(p, ready_line))

    def _web(self, service: str, number: int, environment: Mapping[str, str]) -> Process:
        first_auth = service == "auth" and number == 1
        port = self._auth_port if first_auth else free_port()
        self._ports[service].append(port)
        module = ("gunicorn", "-c", "python:common.gunicorn", f"{service}.wsgi:app")
        bind = {"WEB_BIND": f"127.0.0.1:{port}"}
        ready = f"http://127.0.0.1:{port}/readyz"
        return self._process(
            f"{service}.web", number, module, bind | dict(environment), lambda _: _answers(ready)
        )

    def _process(
        self,
        name: str,
        number: int,
        module: tuple[str, ...],
        environment: Mapping[str, str],
        is_ready: Callable[[Process], bool],
    ) -> Process:
        service = name.split(".")[0]
        url = {f"{service.upper()}_DATABASE_URL": self.sql.url(service)}
        return Process(
            f"{name}#{number}",
            (sys.executable, "-P", "-m", *module),
            {**self._environment, **url, **environment},
            self._logs / f"{name}-{number}.log",
            is_ready,
        )


def free_port() -> int:
    """Return a port that nothing listens on, none that clients' ends of connections get."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _has_line(process: Process, pattern: str) -> bool:
    return re.search(pattern, process.output) is not None


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
