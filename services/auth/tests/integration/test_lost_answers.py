"""A web process that is killed while it registers somebody, and the client that tries again."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from auth.models import User
from auth.settings import AuthSettings
from common.db import Database, new_id
from common.events.tables import outbox

# The real application; as long as the file `doom` is there, it ends at the moment that it names.
_DYING = """
import os
import signal
from pathlib import Path

from sqlalchemy import event

from auth.wsgi import app as auth

DOOM = Path(__file__).with_name("doom")


def end_at(moment):
    if DOOM.exists() and DOOM.read_text() == moment:
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def note_user(connection, _cursor, statement, *_):
    if statement.startswith("INSERT INTO user") or statement.startswith("INSERT INTO `user`"):
        connection.info["user"] = True


def before_commit(connection):
    if connection.info.pop("user", False):
        end_at("before the commit")


engine = auth.extensions["database"].engine
event.listen(engine, "before_cursor_execute", note_user)
event.listen(engine, "commit", before_commit)


def app(environ, start_response):
    answer = auth(environ, start_response)
    end_at("after the commit")
    return answer
"""
_ANN = {"email": "ann@example.org", "username": "ann", "password": "correct horse battery"}


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("auth.test", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


class Web:
    """auth's gunicorn, started and killed as tests like."""

    def __init__(self, folder: Path, settings: AuthSettings, database: Database) -> None:
        self._folder, self._socket = folder, folder / "web.sock"
        (folder / "dying.py").write_text(_DYING)
        self._environment = os.environ | {
            "AUTH_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
            "AUTH_KEY_PASSPHRASE": settings.key_passphrase.get_secret_value(),
            "BROKER_URL": settings.broker_url,
            "CACHE_URL": settings.cache_url,
            "CONTRACTS_DIR": str(settings.contracts_dir),
            "JWKS_URL": "http://127.0.0.1:1/jwks.json",
            "TOKEN_ISSUER": settings.token_issuer,
            "WEB_BIND": f"unix:{self._socket}",
            "WEB_WORKERS": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", "python:common.gunicorn"]
        command += ["--chdir", str(self._folder), "dying:app"]
        self._process = subprocess.Popen(command, env=self._environment)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, "auth does not start"
            time.sleep(0.05)

    @contextmanager
    def doomed(self, moment: str) -> Iterator[None]:
        """Let whatever is in the block find its web process killed, and then another one there."""
        doom = self._folder / "doom"
        doom.write_text(moment)
        yield
        assert self._process is not None
        assert self._process.wait(10) == -9
        doom.unlink()
        self.start()

    def register(self, key: str | None) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return self._ask("POST", "/api/v1/auth/register", json.dumps(_ANN), headers)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def _answers(self) -> bool:
        try:
            return self._ask("GET", "/healthz", None, {})[0] == 200
        except OSError:
            return False

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        connection = _Connection(self._socket)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@pytest.fixture
def web(settings: AuthSettings, database: Database) -> Iterator[Web]:
    with tempfile.TemporaryDirectory(prefix="antiphon-") as folder:
        web = Web(Path(folder), settings, database)
        web.start()
        yield web
        web.close()


@pytest.fixture
def made(database: Database) -> Any:
    """Return a function that counts users and the events that tell of them."""

    def count() -> tuple[int, int]:
        with database.reading() as session:
            users = session.scalar(select(func.count()).select_from(User)) or 0
            return users, session.scalar(select(func.count()).select_from(outbox)) or 0

    return count


def test_killed_after_the_commit_the_answer_is_still_there(
    web: Web, database: Database, made: Any
) -> None:
    key = new_id()
    with web.doomed("after the commit"), pytest.raises(ConnectionError):
        web.register(key)
    assert made() == (1, 1)
    status, user = web.register(key)
    assert status == 201
    with database.reading() as session:
        assert user["id"] == session.scalars(select(User.id)).one()
    assert web.register(key) == (201, user)
    assert web.register(None)[0] == 409  # what one gets without the key
    assert made() == (1, 1)


def test_killed_before_the_commit_nothing_is_there(web: Web, made: Any) -> None:
    key = new_id()
    with web.doomed("before the commit"), pytest.raises(ConnectionError):
        web.register(key)
    assert made() == (0, 0)
    status, user = web.register(key)
    assert status == 201
    assert web.register(key) == (201, user)
    assert made() == (1, 1)
