"""What becomes of connections and requests when gunicorn, as the services configure it, stops."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_APP = """
import time
from common.draining import is_draining

def app(environ, start_response):
    time.sleep({"/slow": 1.5, "/stuck": 60}.get(environ["PATH_INFO"], 0))
    body = b"draining" if is_draining() else b"serving"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
_GRACE_SECONDS = 10


@dataclass(frozen=True)
class Web:
    """A running gunicorn at `unix:path` or `host:port`."""

    process: subprocess.Popen[bytes]
    address: str

    def connect(self) -> socket.socket:
        if self.address.startswith("unix:"):
            with ExitStack() as closing:
                connection = closing.enter_context(socket.socket(socket.AF_UNIX))
                connection.settimeout(_GRACE_SECONDS)
                connection.connect(self.address.removeprefix("unix:"))
                closing.pop_all()
            return connection
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=_GRACE_SECONDS)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@contextmanager
def running(address: str, folder: str, **settings: str) -> Iterator[Web]:
    Path(folder, "singing.py").write_text(_APP)
    environment = os.environ | {"WEB_BIND": address, "WEB_WORKERS": "1"} | settings
    command = [sys.executable, "-m", "gunicorn", "-c", "python:common.gunicorn", "singing:app"]
    with subprocess.Popen([*command, "--chdir", folder], env=environment) as process:
        web = Web(process, address)
        try:
            deadline = time.monotonic() + 30
            while not _answers(web):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield web
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture
def folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are too long for a socket
        yield folder


@pytest.fixture(params=["unix", "tcp"])
def address(request: pytest.FixtureRequest, folder: str) -> str:
    if request.param == "unix":
        return f"unix:{folder}/web.sock"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _answers(web: Web) -> bool:
    try:
        with web.connect() as connection:
            return _ask(connection, "/")[0].startswith("HTTP/1.1 200")
    except OSError:
        return False


def _ask(connection: socket.socket, path: str) -> tuple[str, str]:
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    return _answer(connection)


def _answer(connection: socket.socket) -> tuple[str, str]:
    """Return head and body of an answer; two empty texts if the connection was closed instead."""
    received = b""
    while not received.endswith((b"serving", b"draining")):
        part = connection.recv(4096)
        if not part:
            break
        received += part
    head, _, body = received.decode().partition("\r\n\r\n")
    return head, body


def _last_answer(connection: socket.socket) -> str:
    """Return the body of an answer and hang up, as gateways do when the other side will."""
    with connection:
        return _answer(connection)[1]


def test_connections_that_wait_when_it_stops_are_answered(address: str, folder: str) -> None:
    with running(address, folder, WEB_DRAIN_SECONDS="0") as web, ExitStack() as stack:
        (worker,) = web.workers()
        os.kill(worker, signal.SIGSTOP)
        waiting = [stack.enter_context(web.connect()) for _ in range(20)]
        for connection in waiting:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        web.process.terminate()
        time.sleep(0.5)
        os.kill(worker, signal.SIGCONT)
        assert [_last_answer(connection) for connection in waiting] == ["draining"] * 20
        assert web.process.wait(_GRACE_SECONDS) == 0


def test_who_comes_after_is_refused_at_once_while_others_are_served(
    address: str, folder: str
) -> None:
    """Refused, a gateway asks somebody else; left waiting, it would fail in the end."""
    with running(address, folder, WEB_DRAIN_SECONDS="0") as web, web.connect() as early:
        early.sendall(b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n")
        time.sleep(0.2)
        web.process.terminate()
        time.sleep(0.5)
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            web.connect()
        assert _answer(early)[1] == "draining"
        assert web.process.wait(_GRACE_SECONDS) == 0


def test_while_draining_it_serves_on_and_lets_no_connection_live(folder: str) -> None:
    with running(f"unix:{folder}/web.sock", folder, WEB_DRAIN_SECONDS="2") as web:
        with web.connect() as kept:
            assert "Connection: keep-alive" in _ask(kept, "/")[0]
            web.process.terminate()
            time.sleep(0.3)
            head, body = _ask(kept, "/")
        assert (body, "Connection: close" in head) == ("draining", True)
        with web.connect() as another:
            assert _ask(another, "/")[1] == "draining"
        started = time.monotonic()
        assert web.process.wait(_GRACE_SECONDS) == 0
        assert time.monotonic() - started > 1


def test_a_second_sigterm_ends_the_drain(folder: str) -> None:
    with running(f"unix:{folder}/web.sock", folder, WEB_DRAIN_SECONDS="60") as web:
        web.process.terminate()
        time.sleep(0.3)
        web.process.terminate()
        assert web.process.wait(5) == 0


def test_what_outlasts_the_grace_time_is_cut_off(folder: str) -> None:
    settings = {"WEB_DRAIN_SECONDS": "0", "WEB_GRACEFUL_SECONDS": "1"}
    with running(f"unix:{folder}/web.sock", folder, **settings) as web, web.connect() as caller:
        caller.sendall(b"GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n")
        time.sleep(0.2)
        web.process.terminate()
        started = time.monotonic()
        assert web.process.wait(_GRACE_SECONDS) == 0
        assert 1 <= time.monotonic() - started < 4
        assert _answer(caller) == ("", "")
