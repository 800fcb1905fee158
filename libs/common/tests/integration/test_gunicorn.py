"""gunicorn as the services configure it, with requests that no test client can make."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# It answers before it has read the body, as a service does that refuses a token.
_APP = """
def app(environ, start_response):
    start_response("401 Unauthorized", [("Content-Length", "2")])
    return [b"no"]
"""
_POST = b"POST / HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "refusing.py").write_text(_APP)
        path = f"{folder}/web.sock"
        environment = os.environ | {"WEB_BIND": f"unix:{path}", "WEB_WORKERS": "1"}
        command = [sys.executable, "-m", "gunicorn", "-c", "python:common.gunicorn", "refusing:app"]
        with subprocess.Popen([*command, "--chdir", folder], env=environment) as process:
            try:
                _wait_for(path)
                yield path
            finally:
                process.kill()


def _wait_for(path: str) -> None:
    deadline = time.monotonic() + 30
    while not _listens(path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(path)
    return connection


def _ask(connection: socket.socket, request: bytes) -> tuple[int, dict[str, str], bytes]:
    connection.sendall(request)
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, stream.read(int(headers["content-length"]))


def test_a_small_body_that_is_not_read_leaves_the_connection_usable(address: str) -> None:
    with _connect(address) as connection:
        for size in (0, 30_000, 10):
            request = _POST + b"Content-Length: %d\r\n\r\n" % size + b"x" * size
            status, headers, _ = _ask(connection, request)
            assert (status, headers["connection"]) == (401, "keep-alive")


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000,
        b"Transfer-Encoding: chunked\r\n\r\n30d40\r\n" + b"x" * 200_000 + b"\r\n0\r\n\r\n",
    ],
)
def test_after_a_large_body_that_is_not_read_nothing_may_follow(address: str, rest: bytes) -> None:
    with _connect(address) as connection:
        status, headers, _ = _ask(connection, _POST + rest)
    assert (status, headers["connection"]) == (401, "close")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: test\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        ("GET /é HTTP/1.1\r\nHost: test\r\n\r\n".encode(), 400),
        (b"GET / HTTP/1.1\r\nHost: test\r\nNo colon\r\n\r\n", 400),
    ],
)
def test_what_gunicorn_refuses_is_a_problem_too(address: str, request_: bytes, status: int) -> None:
    with _connect(address) as connection:
        answered, headers, body = _ask(connection, request_)
    problem: dict[str, Any] = json.loads(body)
    assert (answered, problem["status"]) == (status, status)
    assert headers["content-type"] == "application/problem+json"
    assert problem["detail"]


def test_a_long_query_is_read(address: str) -> None:
    with _connect(address) as connection:
        request = b"GET /?q=" + b"a" * 8000 + b" HTTP/1.1\r\nHost: test\r\n\r\n"
        assert _ask(connection, request)[0] == 401
