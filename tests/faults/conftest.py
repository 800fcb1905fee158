"""Two services and a Redis of their own, which tests kill as they like."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.faults.harness import Choir
from tests.faults.scale import Scale, current
from tests.faults.servers import MariaDb, RedisServer, Sqlite, SqlServer
from tests.faults.tally import Tally

from common.testing.mariadb import HOW_TO_GET_IT, find_mariadbd, install_mariadb

MakeChoir = Callable[..., Choir]


@pytest.hookimpl(trylast=True)  # of what `-m` and `-k` leave
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the longer tests out of the short form; start the longest of them first otherwise."""
    if current().name == "short":
        longer = [item for item in items if item.get_closest_marker("standard")]
        config.hook.pytest_deselected(items=longer)
        items[:] = [item for item in items if item not in longer]
        return
    longest = [item for item in items if item.get_closest_marker("longest")]
    others = [item for item in items if item not in longest]
    # xdist gives each process two tests to begin with: not two of the longest.
    pairs = zip(longest, others, strict=False)
    first = [item for pair in pairs for item in pair]
    items[:] = first + [item for item in items if item not in first]


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


@pytest.fixture
def make_choir(
    tmp_path: Path, sql_server: SqlServer, redis_server: RedisServer, scale: Scale
) -> Iterator[MakeChoir]:
    """Return a function that makes a choir with the subscribers that it is given."""
    with ExitStack() as stack:

        def make(*subscribers: str) -> Choir:
            redis_server.forget_queues(["choir", *subscribers])
            choir = Choir(tmp_path, sql_server, redis_server, scale, subscribers)
            stack.callback(choir.close)
            return choir

        yield make


@pytest.fixture
def choir(make_choir: MakeChoir) -> Choir:
    """Return a producer `choir` and its one subscriber `echo`."""
    return make_choir("echo")
