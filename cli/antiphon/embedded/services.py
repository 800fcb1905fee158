"""The processes of Antiphon in embedded mode and the environment each of them gets."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from antiphon.embedded.folder import CannotStartError, DataFolder
from antiphon.embedded.redis_server import RedisUrls
from antiphon.supervisor.plan import Probe, Process

CONTRACTS = Path(__file__).parents[3] / "contracts"
SERVICES = ("auth", "catalog", "playlist", "media")
# Start: what others need first. Stop: who takes requests first, who holds messages last.
_START_BASE, _START_SERVICES, START_GATEWAY = 0, 1, 2
STOP_GATEWAY, _STOP_WEB, _STOP_WORKER, STOP_REDIS = 0, 1, 2, 3
_FROM_SYSTEM = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
_FROM_USER = ("CORS_ORIGINS", "TOKEN_AUDIENCE", "LOG_LEVEL", "RESEND_LEASE_SECONDS")
# Lines of this level tell that a process is ready.
_LOG_LEVELS = ("DEBUG", "INFO")
_NOT_TAKEN = {
    "METRICS_BIND": "all processes would share one address; `antiphon bus status` tells the state",
    "CLOUDWATCH_NAMESPACE": "nobody here would read what it writes",
}
# They hold a secret: no other service is told.
_MEDIA_FROM_USER = ("STORAGE", "CLOUDINARY_URL")
_OPENTELEMETRY = "OTEL_"
_WEB_SECONDS, _WORKER_SECONDS, _JOBS_SECONDS = 8, 10, 8
# A job that is cut short is done again; nobody wants to wait for it at Ctrl-C.
_JOB_GRACE_SECONDS = 2


@dataclass(frozen=True)
class Installation:
    """What the environments are made of."""

    folder: DataFolder
    run_dir: str
    contracts: Path
    port: int
    redis: RedisUrls
    secrets: Mapping[str, str]
    environ: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where a person finds it."""
        return f"http://localhost:{self.port}"

    def socket(self, name: str) -> str:
        """Return the path of a unix socket of this run."""
        return f"{self.run_dir}/{name}.sock"


def base_environment(installation: Installation) -> dict[str, str]:
    """Return what any process of ours needs from the system."""
    environ = installation.environ
    kept = {name: environ[name] for name in _FROM_SYSTEM if name in environ}
    # The run's folder goes with the run, and with it what a killed process had not tidied up.
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        # Without docstrings a process is 5 MB smaller, and there are 13 of them.
        "PYTHONOPTIMIZE": "2",
        "TMPDIR": installation.run_dir,
    }


def service_environment(service: str, installation: Installation) -> dict[str, str]:
    """Return the environment of a service's processes; the user's own <SERVICE>_* win."""
    prefix = f"{service.upper()}_"
    own = {
        **{name: value for name, value in installation.secrets.items() if name.startswith(prefix)},
        f"{prefix}DATABASE_URL": installation.folder.database_url(service),
    }
    if service == "media":
        own["MEDIA_STORAGE_DIR"] = str(installation.folder.media)
        own["MEDIA_JOB_GRACE_SECONDS"] = str(_JOB_GRACE_SECONDS)
    shared = {
        "BROKER_URL": installation.redis.broker,
        "CACHE_URL": installation.redis.cache,
        "JWKS_URL": f"http://127.0.0.1:{installation.port}/.well-known/jwks.json",
        "TOKEN_ISSUER": installation.url,
        "CONTRACTS_DIR": str(installation.contracts),
        "LOG_FORMAT": "json",
        # One machine, one disk: what is not acknowledged soon got lost with a process.
        "RESEND_LEASE_SECONDS": "15",
    }
    known = (*_FROM_USER, *(_MEDIA_FROM_USER if service == "media" else ()))
    given = {
        name: value
        for name, value in installation.environ.items()
        if name in known or name.startswith((prefix, _OPENTELEMETRY))
    }
    return {**base_environment(installation), **shared, **own, **given}


def check_settings(environ: Mapping[str, str]) -> list[str]:
    """Say which of the user's settings are not taken, and why; raises CannotStartError."""
    level = environ.get("LOG_LEVEL", "INFO")
    if level.upper() not in _LOG_LEVELS:
        raise CannotStartError(
            f"LOG_LEVEL is {level!r}; here it may be {' or '.join(_LOG_LEVELS)}. The terminal "
            "shows warnings and errors only, whatever the level."
        )
    return [
        f"{name} is not used here: {reason}."
        for name, reason in _NOT_TAKEN.items()
        if environ.get(name)
    ]


def service_processes(installation: Installation) -> list[Process]:
    """Return the migrations, four webs, four workers and the jobs process."""
    processes = [_migrations(installation)]
    for service in SERVICES:
        environment = service_environment(service, installation)
        processes += [_web(service, environment, installation), _worker(service, environment)]
    processes.append(_jobs(service_environment("media", installation)))
    return processes


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module, without the current folder among its packages."""
    return (sys.executable, "-P", "-m", module, *arguments)


def http_probe(address: str, path: str) -> Probe:
    """Return the probe that asks for `path` until the answer is 200."""
    return Probe(address, f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n", r"HTTP/1\.\d 200 ")


def _migrations(installation: Installation) -> Process:
    environment = base_environment(installation)
    for service in SERVICES:
        name = f"{service.upper()}_DATABASE_URL"
        environment[name] = service_environment(service, installation)[name]
    return Process(
        "migrations",
        python("common.db.migrate", *SERVICES),
        environment,
        start_stage=_START_BASE,
        once=True,
    )


def _web(service: str, environment: Mapping[str, str], installation: Installation) -> Process:
    address = f"unix:{installation.socket(service)}"
    bind = {
        "WEB_BIND": address,
        # Threads share one process's memory; a laptop has one listener, not thousands.
        "WEB_WORKERS": "1",
        # An upload holds one for as long as its client takes.
        "WEB_THREADS": "16" if service == "media" else "8",
        # The gateway is stopped first, so nobody has to be told to go elsewhere.
        "WEB_DRAIN_SECONDS": "0",
    }
    return Process(
        f"{service}.web",
        python("gunicorn", "-c", "python:common.gunicorn", f"{service}.wsgi:app"),
        {**environment, **bind},
        start_stage=_START_SERVICES,
        stop_stage=_STOP_WEB,
        probe=http_probe(address, "/readyz"),
        stop_seconds=_WEB_SECONDS,
    )


def _worker(service: str, environment: Mapping[str, str]) -> Process:
    return Process(
        f"{service}.worker",
        python(f"{service}.worker"),
        dict(environment),
        start_stage=_START_SERVICES,
        stop_stage=_STOP_WORKER,
        ready_line="worker_started",
        stop_seconds=_WORKER_SECONDS,
    )


def _jobs(environment: Mapping[str, str]) -> Process:
    return Process(
        "media.jobs",
        python("media.jobs"),
        dict(environment),
        start_stage=_START_SERVICES,
        stop_stage=_STOP_WORKER,
        ready_line=r"celery@\S+ ready",
        stop_seconds=_JOBS_SECONDS,
    )


def redis_process(command: tuple[str, ...], installation: Installation) -> Process:
    """Return the private Redis, ready when it has read its data."""
    return Process(
        "redis",
        command,
        base_environment(installation),
        start_stage=_START_BASE,
        stop_stage=STOP_REDIS,
        probe=Probe(f"unix:{installation.socket('redis')}", "PING\r\n", r"\+PONG"),
    )
