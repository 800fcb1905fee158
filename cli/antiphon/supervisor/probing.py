"""Asks a process whether it is ready, without ever keeping the supervisor's one thread waiting."""

import re
import selectors
import socket
import time

from antiphon.supervisor.plan import Probe

_PAUSE_SECONDS = 0.05
_ANSWER_SECONDS = 5.0
_CONNECT_SECONDS = 0.2
_ENOUGH_BYTES = 64


class Probing:
    """Repeats one probe until its answer fits; `ready` says that it did."""

    def __init__(self, probe: Probe, selector: selectors.BaseSelector) -> None:
        self.ready = False
        self._probe = probe
        self._expected = re.compile(probe.expect.encode())
        self._selector = selector
        self._socket: socket.socket | None = None
        self._answer = b""
        self.due = time.monotonic()

    def advance(self, now: float) -> None:
        """Ask (again) when it is time to: `due` is the `time.monotonic()` of the next step."""
        if self.ready or now < self.due:
            return
        self.close()
        self._answer = b""
        try:
            self._socket = self._ask()
        except OSError:
            self.due = now + _PAUSE_SECONDS
            return
        self._selector.register(self._socket, selectors.EVENT_READ, self._read)
        self.due = now + _ANSWER_SECONDS

    def close(self) -> None:
        """Give up the question that is under way, if any."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _ask(self) -> socket.socket:
        connection = _connect(self._probe.address)
        try:
            connection.sendall(self._probe.send.encode())
            connection.setblocking(False)
        except OSError:
            connection.close()
            raise
        return connection

    def _read(self) -> None:
        assert self._socket is not None  # noqa: S101 -- registered only while it is open
        try:
            data = self._socket.recv(4096)
        except OSError:
            data = b""
        self._answer += data
        self.ready = self._expected.match(self._answer) is not None
        if self.ready or not data or len(self._answer) >= _ENOUGH_BYTES:
            self.close()
            self.due = time.monotonic() + _PAUSE_SECONDS


def _connect(address: str) -> socket.socket:
    kind, _, path = address.partition(":")
    if kind != "unix":
        host, _, port = address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_CONNECT_SECONDS)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return connection
