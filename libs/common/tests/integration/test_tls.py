"""`rediss://` checks the server's certificate, for the bus and for the jobs."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from kombu.exceptions import OperationalError

from common.events.bus import KombuBus
from common.jobs.celery import JobSender
from common.testing.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority.pem")


@pytest.fixture
def tls_port(authority: Authority, broker_url: str, valkey_socket: Path) -> Iterator[int]:
    """A port where the Redis speaks TLS (through a proxy; the wheel's server does not)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("localhost"))
    with socket.create_server(("localhost", 0)) as listener:
        threading.Thread(
            target=_serve, args=(listener, context, valkey_socket), daemon=True
        ).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket, context: ssl.SSLContext, server: Path) -> None:
    with contextlib.suppress(OSError):  # closed at the end of the test
        while True:
            client = listener.accept()[0]
            threading.Thread(target=_join, args=(client, context, server), daemon=True).start()


def _join(plain: socket.socket, context: ssl.SSLContext, server: Path) -> None:
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(plain, server_side=True) as client,
        socket.socket(socket.AF_UNIX) as backend,
    ):
        backend.connect(str(server))
        back = threading.Thread(target=_copy, args=(backend, client), daemon=True)
        back.start()
        _copy(client, backend)
        backend.shutdown(socket.SHUT_RDWR)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def test_messages_travel_over_tls(tls_port: int, authority: Authority) -> None:
    url = f"rediss://localhost:{tls_port}/0?ssl_ca_certs={authority.path}"
    bus = KombuBus(url, "test")
    came: list[bytes] = []
    assert bus.publish("test.events", [b"{}"])
    assert bus.receive("test.events", came.append, 0.5) == 1
    assert came == [b"{}"]
    bus.close()
    JobSender("test", url).send("test.job", "1")


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_port: int) -> None:
    url = f"rediss://localhost:{tls_port}/0"
    bus = KombuBus(url, "test")
    with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
        bus.publish("test.events", [b"{}"])
    bus.close()
    with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        JobSender("test", url).send("test.job", "1")
