"""The part of the pytest plugin that runs tests with SQL on SQLite and on MySQL or MariaDB."""

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData

from common.testing.mysql import ServerOfRun
from common.testing.schemas import LendSchema, MakeSchema, ServerSchemas, sqlite_schema

DIALECTS = ("sqlite", "mysql")
_NEEDS_SERVER = re.compile(r"[\[-]mysql[\]-]")
_PROPERTY = "database"
_FOLDER = pytest.StashKey[Path]()
_SERVER = pytest.StashKey[ServerOfRun]()


def pytest_configure(config: pytest.Config) -> None:
    """Give all processes of the run one folder, in which they learn of one server."""
    given = getattr(config, "workerinput", {}).get("run_folder")
    folder = Path(given or tempfile.mkdtemp(prefix="antiphon-"))
    config.stash[_FOLDER], config.stash[_SERVER] = folder, ServerOfRun(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist."""
    node.workerinput["run_folder"] = str(node.config.stash[_FOLDER])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Start the server as soon as it is known that it is needed."""
    if any(map(_NEEDS_SERVER.search, ids)):
        node.config.stash[_SERVER].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server with the run."""
    if not _is_worker(config):
        config.stash[_SERVER].stop()
        shutil.rmtree(config.stash[_FOLDER])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on which database, and loudly that they did not."""
    passed = Counter(
        str(value)
        for report in terminalreporter.stats.get("passed", ())
        for name, value in report.user_properties
        if name == _PROPERTY
    )
    if passed:
        counts = ", ".join(f"{name}: {count}" for name, count in sorted(passed.items()))
        terminalreporter.write_line(f"Tests with SQL that passed: {counts}")
    found = terminalreporter.config.stash[_SERVER].found()
    for note in found.notes if found else ():
        terminalreporter.write_line(f"No server from {note}", yellow=True)
    if found and found.url is None:
        terminalreporter.write_line(_not_tested(found.notes), red=True, bold=True)


@pytest.fixture(scope="session")
def server_schemas(pytestconfig: pytest.Config) -> Iterator[tuple[ServerSchemas, str]]:
    """Give schemas of the run's server, and its name; without one, skip (fail under CI=true)."""
    server = pytestconfig.stash[_SERVER]
    if not _is_worker(pytestconfig):
        server.start()
    found = server.wait()
    if found.url is None:
        message = _not_tested(found.notes)
        raise (pytest.fail if os.environ.get("CI") == "true" else pytest.skip).Exception(message)
    schemas = ServerSchemas(found.url)
    yield schemas, found.name
    schemas.close()


@pytest.fixture(params=DIALECTS)
def lend_schema(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> LendSchema:
    """Return a function that lends a schema; who uses it runs once on each kind of database."""
    properties = request.node.user_properties
    if request.param == "mysql":
        schemas, name = request.getfixturevalue("server_schemas")
        properties.append((_PROPERTY, name))
        lend: LendSchema = schemas.lend
        return lend
    properties.append((_PROPERTY, "SQLite"))
    templates = tmp_path_factory.getbasetemp()

    def lend_file(
        service: str | None, tables: MetaData | None, _migrating: bool
    ) -> AbstractContextManager[str]:
        folder = Path(tempfile.mkdtemp(prefix="database-", dir=tmp_path))
        return sqlite_schema(service, folder, templates, tables)

    return lend_file


@pytest.fixture
def make_schema(lend_schema: LendSchema) -> Iterator[MakeSchema]:
    """Return a function that gives the URL of a freshly migrated schema of a service.

    `tables` are made in it besides; without a service there is nothing else. Its user may change
    rows only, unless it is for `migrating`.
    """
    with ExitStack() as stack:

        def make(
            service: str | None = None, tables: MetaData | None = None, *, migrating: bool = False
        ) -> str:
            return stack.enter_context(lend_schema(service, tables, migrating))

        yield make


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _not_tested(notes: Sequence[str]) -> str:
    return (
        "NOT TESTED ON MYSQL OR MARIADB: set TEST_DATABASE_URL, start Docker, or install "
        f"mariadb-server. {' '.join(notes)}"
    )
