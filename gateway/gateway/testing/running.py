"""A real Caddy, run from a rendered route table, and requests to it."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any

from gateway.binary import caddy_environment, find_caddy, run_command
from gateway.caddyfile import render
from gateway.options import GatewayOptions
from gateway.routes import RouteTable, Service

_START_SECONDS = 15.0
_STOP_SECONDS = 15.0

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True)
class Response:
    """A whole answer of the gateway."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path, self._timeout = path, timeout

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._timeout)
        self.sock.connect(self._path)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def connection(address: str, timeout: float = 20.0) -> http.client.HTTPConnection:
    """Return an unopened connection to `unix//path` or `host:port`; timeout in seconds."""
    if address.startswith("unix/"):
        return _UnixConnection(address.removeprefix("unix/"), timeout)
    return http.client.HTTPConnection(address, timeout=timeout)


class RunningGateway:
    """A gateway process; `output` holds its access log, `errors` its own log."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, folder: Path) -> None:
        self.process, self.address, self.folder = process, address, folder
        self.output, self.errors = folder / "stdout", folder / "stderr"

    def request(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> Response:
        """Send the target and headers byte for byte as given; `body` goes with its length."""
        caller = connection(self.address)
        with contextlib.closing(caller):
            caller.putrequest(method, target, skip_accept_encoding=True)
            for name, text in headers:
                caller.putheader(name, text)
            if body is not None:
                caller.putheader("Content-Length", str(len(body)))
            caller.endheaders()
            # An answer may come before the whole body is read.
            with contextlib.suppress(ConnectionError):
                caller.send(body or b"")
            answer = caller.getresponse()
            return Response(answer.status, answer.headers, answer.read())

    def get(self, target: str, *headers: tuple[str, str]) -> Response:
        """GET a target with these headers."""
        return self.request("GET", target, headers)

    def access_log(self) -> list[dict[str, Any]]:
        """What was logged about requests so far."""
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code once the process has ended."""
        self.process.terminate()
        return self.process.wait(_STOP_SECONDS)


@contextlib.contextmanager
def running_gateway(
    routes: RouteTable,
    upstreams: Mapping[Service, Sequence[str]],
    options: GatewayOptions,
    folder: Path,
) -> Iterator[RunningGateway]:
    """Run Caddy until the block ends; its files go to `folder`, a short path."""
    caddyfile = folder / "Caddyfile"
    caddyfile.write_text(render(routes, upstreams, options), encoding="utf-8")
    environment = {**os.environ, **caddy_environment(folder / "caddy")}
    with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as errors:
        process = _start(run_command(find_caddy(), caddyfile), environment, output, errors)
    gateway = RunningGateway(process, options.listen, folder)
    try:
        _wait_until_listening(gateway)
        yield gateway
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _start(
    command: list[str], environment: dict[str, str], output: IO[bytes], errors: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (a fixed program with our own arguments)
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
    )


def _wait_until_listening(gateway: RunningGateway) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while gateway.process.poll() is None and time.monotonic() < deadline:
        caller = connection(gateway.address)
        try:
            caller.connect()
        except OSError:
            time.sleep(0.02)
        else:
            return
        finally:
            caller.close()
    raise RuntimeError(f"Caddy did not start:\n{gateway.errors.read_text()}")
