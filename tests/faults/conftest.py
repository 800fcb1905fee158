"""Two services and a Redis of their own, which tests kill as they like."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from tests.faults.scale import Scale, current
from tests.faults.servers import MariaDb, RedisServer, Sqlite, SqlServer
from tests.faults.tally import Tally

from common.db import Database, new_id
from common.events import emit
from common.events.tables import inbox, outbox_delivery
from common.testing.mariadb import HOW_TO_GET_IT, find_mariadbd, install_mariadb
from common.testing.valkey import start_valkey, stop

_CHOIR = Path(__file__).with_name("choir.py")


def _load_choir() -> Any:
    spec = importlib.util.spec_from_file_location("choir", _CHOIR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Choir:
    """A producer `choir` and a consumer `echo`, each with its own schema."""

    def __init__(self, folder: Path, redis_folder: Path) -> None:
        self._module = _load_choir()
        self._redis_folder = redis_folder
        self._urls = {name: f"sqlite:///{folder}/{name}.db" for name in ("choir", "echo")}
        self.producer: Database = self._module.create_schema(self._urls["choir"])
        self.consumer: Database = self._module.create_schema(self._urls["echo"])
        self._redis = start_valkey(redis_folder)
        self._workers: list[subprocess.Popen[bytes]] = []

    @property
    def broker_url(self) -> str:
        return f"unix://{self._redis_folder}/valkey.sock?db=0"

    def start(self, name: str, **environment: str) -> subprocess.Popen[bytes]:
        variables = {
            "DATABASE_URL": self._urls[name],
            "BROKER_URL": self.broker_url,
            "CACHE_URL": f"unix://{self._redis_folder}/valkey.sock?db=1",
        }
        worker = subprocess.Popen(
            [sys.executable, _CHOIR, name], env=os.environ | variables | environment
        )
        self._workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)

    def restart_redis(self, *, wiped: bool) -> None:
        """Kill Redis and start it again; without its log nothing is left in it either way."""
        self.stop_redis()
        if wiped:
            for path in self._redis_folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.start_redis()

    def stop_redis(self) -> None:
        self._redis.kill()
        self._redis.wait(10)

    def start_redis(self) -> None:
        self._redis = start_valkey(self._redis_folder)

    def sing(self, count: int) -> list[str]:
        """Commit events, each in a transaction of its own; return their subjects."""
        subjects = [new_id() for _ in range(count)]
        for subject in subjects:
            with self.producer.transaction() as session:
                emit(session, self._module.NoteSung(id=subject, version=1))
        return subjects

    def poison(self, subject: str) -> None:
        with self.consumer.transaction() as session:
            session.execute(insert(self._module.poison).values(subject_id=subject))

    def effects(self) -> dict[str, int]:
        effect = self._module.effect
        with self.consumer.reading() as session:
            return {row.subject_id: row.times for row in session.execute(select(effect))}

    def inbox_states(self) -> dict[str, int]:
        counts = select(inbox.c.state, func.count().label("n")).group_by(inbox.c.state)
        with self.consumer.reading() as session:
            return {row.state: row.n for row in session.execute(counts)}

    def waiting(self) -> int:
        with self.producer.reading() as session:
            waiting = select(func.count()).select_from(outbox_delivery)
            return int(session.execute(waiting).scalar_one())

    def wait_until_delivered(self, seconds: float = 60) -> None:
        wait_for(lambda: self.waiting() == 0, seconds, lambda: f"{self.waiting()} undelivered")

    def assert_each_applied_once(self, subjects: list[str]) -> None:
        effects = self.effects()
        lost = [subject for subject in subjects if subject not in effects]
        twice = [subject for subject, times in effects.items() if times != 1]
        print(f"committed {len(subjects)}, lost {len(lost)}, twice {len(twice)}")
        assert (lost, twice) == ([], [])
        assert len(effects) == len(subjects)

    def close(self) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait(10)
        stop(self._redis)
        self.producer.dispose()
        self.consumer.dispose()


def wait_for(
    condition: Callable[[], bool], seconds: float, what: Callable[[], str] = lambda: "timed out"
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


@pytest.fixture
def choir(tmp_path: Path) -> Iterator[Choir]:
    redis_folder = Path(tempfile.mkdtemp(prefix="antiphon-"))
    choir = Choir(tmp_path, redis_folder)
    yield choir
    choir.close()
    shutil.rmtree(redis_folder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the longer tests out of the short form."""
    if current().name != "short":
        return
    longer = [item for item in items if item.get_closest_marker("standard")]
    config.hook.pytest_deselected(items=longer)
    items[:] = [item for item in items if item not in longer]


@pytest.fixture(scope="session")
def scale() -> Scale:
    """Return the figures of the mode that `FAULTS` names."""
    return current()


@pytest.fixture(scope="session")
def mariadb_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare a data directory once a test process; servers get copies."""
    data = tmp_path_factory.mktemp("mariadb") / "data"
    install_mariadb(data)
    return data


@pytest.fixture(params=["sqlite", "mariadb"])
def sql_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlServer]:
    """Give a database server of the test's own; the test runs once on each kind."""
    if request.param == "sqlite":
        yield Sqlite(tmp_path)
        return
    if find_mariadbd() is None:
        message = f"NOT TESTED ON MARIADB: {HOW_TO_GET_IT}"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    folder = Path(tempfile.mkdtemp(prefix="antiphon-"))
    server = MariaDb(folder, request.getfixturevalue("mariadb_data"))
    yield server
    server.close()
    shutil.rmtree(folder)


@pytest.fixture
def redis_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """Give a Redis of the test's own; `indirect` parameters say when it syncs its log."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-"))
    server = RedisServer(folder, getattr(request, "param", "off"))
    yield server
    server.close()
    shutil.rmtree(folder)


@pytest.fixture
def tally(request: pytest.FixtureRequest, sql_server: SqlServer) -> Tally:
    """Return what a test records its counts with."""
    return Tally(request.node.user_properties, sql_server.dialect)
