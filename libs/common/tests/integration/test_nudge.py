"""Nudges over a connection that ends without a word, as NAT and failovers end them."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.events.nudge import Nudge


class Proxy:
    """Hands bytes between clients and Valkey until it falls silent for those who are there."""

    def __init__(self, target: Path) -> None:
        self._target = str(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._is_silent = threading.Event()
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/1"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def fall_silent(self) -> None:
        """Pass nothing on over any connection there is, and close none."""
        self._is_silent.set()
        self._is_silent = threading.Event()

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                self._sockets += [client, server]
                for ends in ((client, server), (server, client)):
                    arguments = (*ends, self._is_silent)
                    threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, silent: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if not silent.is_set():
                    sink.sendall(data)
            if not silent.is_set():
                sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(valkey_socket: Path) -> Iterator[Proxy]:
    proxy = Proxy(valkey_socket)
    yield proxy
    proxy.close()


@pytest.fixture
def listening(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nudge]:
    monkeypatch.setattr(Nudge, "_RENEW_AFTER", 5.0)
    nudge = Nudge(proxy.url, "choir")
    nudge.wait(0.1)
    yield nudge
    nudge.close()


@pytest.fixture
def sending(cache_url: str) -> Iterator[Nudge]:
    nudge = Nudge(cache_url, "choir")
    yield nudge
    nudge.close()


def _is_nudged(listening: Nudge, sending: Nudge, within: float) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        sending.send()
        if listening.wait(0.1):
            return True
    return False


def test_a_connection_that_fell_silent_is_replaced(
    listening: Nudge, sending: Nudge, proxy: Proxy
) -> None:
    assert _is_nudged(listening, sending, 2)
    proxy.fall_silent()
    assert not _is_nudged(listening, sending, 0.5)
    assert _is_nudged(listening, sending, 20)
    assert proxy.connections >= 2


def test_a_sender_whose_connection_fell_silent_soon_has_another(
    proxy: Proxy, cache_url: str
) -> None:
    sending, listening = Nudge(proxy.url, "choir"), Nudge(cache_url, "choir")
    listening.wait(0.1)
    sending.send()
    assert listening.wait(5)
    proxy.fall_silent()
    started = time.monotonic()
    sending.send()
    assert time.monotonic() - started < 1
    assert _is_nudged(listening, sending, 5)
    for nudge in (sending, listening):
        nudge.close()


def test_a_connection_serves_for_a_while(listening: Nudge, proxy: Proxy) -> None:
    for _ in range(20):
        listening.wait(0.01)
    assert proxy.connections == 1
