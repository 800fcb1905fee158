import socket
from typing import Any

import pytest

from gateway.routes import Service
from gateway.testing.running import RunningGateway
from gateway.testing.upstream import Upstream, json_reply

LIMIT = 2_000
MEDIA_LIMIT = 50_000


@pytest.fixture(scope="module")
def gateway_options() -> dict[str, Any]:
    return {"default_max_body_bytes": LIMIT, "max_body_bytes": {"media": MEDIA_LIMIT}}


def exchange(gateway: RunningGateway, request: bytes) -> bytes:
    """Send raw bytes and return all that comes back until the gateway closes."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(20)
        caller.connect(gateway.address.removeprefix("unix/"))
        caller.sendall(request)
        answer = b""
        while part := caller.recv(65_536):
            answer += part
        return answer


def chunked(target: str, size: int) -> bytes:
    head = f"POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)
    return head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + body


@pytest.mark.parametrize(
    ("target", "service", "limit"),
    [("/api/v1/tracks", "catalog", LIMIT), ("/api/v1/uploads", "media", MEDIA_LIMIT)],
)
def test_a_body_may_be_as_long_as_the_limit_and_no_longer(
    gateway: RunningGateway,
    upstreams: dict[Service, Upstream],
    target: str,
    service: Service,
    limit: int,
) -> None:
    upstreams[service].answer = lambda seen: json_reply(len(seen.body))
    assert gateway.request("POST", target, body=b"x" * limit).json() == limit
    refused = gateway.request("POST", target, body=b"x" * (limit + 1))
    assert refused.status == 413
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["title"] == "Content Too Large"
    assert f"at most {limit} bytes" in refused.json()["detail"]
    assert refused.json()["request_id"] == refused.headers["X-Request-Id"]
    assert len(upstreams[service].seen) == 1


@pytest.mark.parametrize(
    ("target", "service", "limit"),
    [("/api/v1/tracks", "catalog", LIMIT), ("/api/v1/uploads", "media", MEDIA_LIMIT)],
)
def test_a_chunked_body_is_limited_too(
    gateway: RunningGateway,
    upstreams: dict[Service, Upstream],
    target: str,
    service: Service,
    limit: int,
) -> None:
    upstreams[service].answer = lambda seen: json_reply(len(seen.body))
    accepted = exchange(gateway, chunked(target, limit))
    assert accepted.startswith(b"HTTP/1.1 200 ")
    assert accepted.endswith(str(limit).encode())
    refused = exchange(gateway, chunked(target, limit + 1))
    assert refused.startswith(b"HTTP/1.1 413 ")
    assert b"Content-Type: application/problem+json\r\n" in refused
    assert f"at most {limit} bytes".encode() in refused
    assert len(upstreams[service].seen) == 1


@pytest.mark.parametrize("chunks", [b"zz\r\n{}\r\n", b"f" * 17 + b"\r\n{}\r\n", b"2\r\n{}xx0\r\n"])
def test_chunks_that_are_none_are_the_callers_fault(gateway: RunningGateway, chunks: bytes) -> None:
    head = b"POST /api/v1/tracks HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    refused = exchange(gateway, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert refused.startswith(b"HTTP/1.1 400 "), refused
    assert b"Content-Type: application/problem+json\r\n" in refused


def test_a_body_too_long_is_refused_before_it_is_sent(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    head = b"POST /api/v1/tracks HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n"
    refused = exchange(gateway, head + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 413 ")
    assert upstreams["catalog"].seen == []
