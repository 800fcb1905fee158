"""A data folder as Antiphon leaves it, its databases, and the command line in this process."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from antiphon.embedded.folder import DataFolder, load_secrets
from antiphon.main import app
from common.db import Database
from common.db.migrate import upgrade
from common.events import Outbox, load_routes

SERVICES = ("auth", "catalog", "playlist", "media")
Run = Callable[..., Result]
Open = Callable[[str], Any]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    for service in SERVICES:
        upgrade(service, f"sqlite:///{folder}/{service}.db")
    return folder


@pytest.fixture
def folder(migrated: Path, tmp_path: Path) -> DataFolder:
    """Return the data folder of an Antiphon that ran and was stopped."""
    shutil.copytree(migrated, tmp_path / "data")
    folder = DataFolder(tmp_path / "data")
    load_secrets(folder)
    return folder


@pytest.fixture
def open_database(folder: DataFolder, contracts_dir: Path) -> Open:
    """Return a function that opens a service's schema, with its outbox."""

    @contextmanager
    def open_one(service: str) -> Iterator[Database]:
        carried = {"outbox": Outbox(f"/{service}", load_routes(contracts_dir))}
        database = Database(folder.database_url(service), pool_size=1, info=carried)
        yield database
        database.dispose()

    return open_one


@pytest.fixture
def run(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command on the folder."""
    monkeypatch.setenv("ANTIPHON_DATA_DIR", str(folder.path))
    for service in SERVICES:
        monkeypatch.delenv(f"{service.upper()}_DATABASE_URL", raising=False)

    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(app, arguments, input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def run_json(run: Run) -> Callable[..., Any]:
    """Return a function that runs a command with --json and returns what it prints."""

    def invoke(*arguments: str, code: int = 0) -> Any:
        result = run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    return invoke
