"""What clients see when a service is gone, breaks off or comes back."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.options import GatewayOptions
from gateway.routes import RouteTable, Service
from gateway.testing.running import Response, RunningGateway, running_gateway
from gateway.testing.upstream import Reply, Seen, Upstream

BRIDGE_SECONDS = 0.7


@pytest.fixture(scope="module")
def gateway_options() -> dict[str, Any]:
    return {"bridge_seconds": BRIDGE_SECONDS, "health_interval_seconds": 0.1}


@pytest.fixture
def down(upstreams: dict[Service, Upstream]) -> Iterator[Upstream]:
    """Catalog, stopped for one test."""
    upstreams["catalog"].stop()
    yield upstreams["catalog"]
    upstreams["catalog"].start()


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def assert_problem(response: Response, status: int, title: str) -> None:
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["title"], problem["status"]) == (title, status)
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert b"catalog" not in response.body
    assert b"dial" not in response.body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_service_that_is_down(gateway: RunningGateway, down: Upstream, method: str) -> None:
    started = time.monotonic()
    response = gateway.request(method, "/api/v1/tracks", body=b"x" if method == "POST" else None)
    assert_problem(response, 503, "Service Unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert time.monotonic() - started >= BRIDGE_SECONDS
    assert gateway.get("/api/v1/me").status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_restart_is_bridged(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], method: str
) -> None:
    catalog = upstreams["catalog"]
    wait_for(lambda: gateway.get("/api/v1/tracks").status == 200)
    catalog.stop()
    catalog.seen.clear()
    back = threading.Timer(0.2, catalog.start)
    back.start()
    response = gateway.request(method, "/api/v1/tracks", body=b"x" if method == "POST" else None)
    back.join()
    assert (response.status, response.json()) == (200, {"service": "catalog"})
    assert [(seen.method, seen.body) for seen in catalog.seen] == [
        (method, b"x" if method == "POST" else b"")
    ]


def entry_of(gateway: RunningGateway, response: Response) -> dict[str, Any]:
    """The log entry of a request, once it is written."""
    made = response.headers["X-Request-Id"]

    def entries() -> list[dict[str, Any]]:
        return [entry for entry in gateway.access_log() if entry["request_id"] == made]

    wait_for(lambda: bool(entries()))
    return entries()[0]


@pytest.mark.parametrize(
    ("method", "times"),
    # A third time if the kept connection of the first proves dead: the HTTP library's own retry.
    [("GET", {2, 3}), ("OPTIONS", {2, 3})]
    + [(method, {1}) for method in ("POST", "PUT", "PATCH", "DELETE")],
)
def test_an_answer_broken_off_is_tried_again_only_where_nothing_changes(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], method: str, times: set[int]
) -> None:
    upstreams["playlist"].answer = lambda seen: None
    # Without a body, for a body that was read once is never sent again, whatever the settings.
    response = gateway.request(method, "/api/v1/me")
    assert_problem(response, 502, "Bad Gateway")
    assert response.headers["Retry-After"] is None
    assert len(upstreams["playlist"].seen) in times


def test_a_request_that_breaks_late_is_sent_again_once(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    """A service that is killed breaks what it has worked on for a while, too."""
    playlist = upstreams["playlist"]

    def break_late(seen: Seen) -> Reply | None:
        time.sleep(0.4)
        return playlist.named(seen) if len(playlist.seen) > 1 else None

    playlist.answer = break_late
    response = gateway.get("/api/v1/me")
    assert response.json() == {"service": "playlist"}
    entry = entry_of(gateway, response)
    assert (entry["resent"], entry["retries"]) == ("1", 1)


def test_a_wait_for_a_service_is_counted_but_nothing_was_sent_again(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    media = upstreams["media"]
    media.healthy = False
    wait_for(lambda: gateway.get("/api/v1/media/x").status == 503)
    back = threading.Timer(0.2, setattr, (media, "healthy", True))
    back.start()
    entry = entry_of(gateway, gateway.get("/api/v1/media/x"))
    back.join()
    assert (entry["status"], entry["resent"]) == (200, "0")
    assert entry["retries"] > 0


def test_a_request_that_went_well_was_not_tried_again(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    entry = entry_of(gateway, gateway.get("/api/v1/me"))
    assert (entry["resent"], entry["retries"]) == ("0", 0)


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([], None),
        ([], b"x" * 10),
        ([], b"x" * 100_000),
        ([("Content-Length", "0")], None),
        ([("Idempotency-Key", "k")], None),
        ([("Idempotency-Key", "k"), ("Content-Length", "0")], None),
        ([("X-Idempotency-Key", "k")], None),
        ([("Idempotency-Key", "k")], b"x" * 10),
    ],
)
def test_what_changes_something_is_never_sent_twice(
    gateway: RunningGateway,
    upstreams: dict[Service, Upstream],
    method: str,
    headers: list[tuple[str, str]],
    body: bytes | None,
) -> None:
    """Not even on a kept connection, where HTTP libraries try again by themselves."""
    auth = upstreams["auth"]
    assert gateway.get("/api/v1/users").status == 200
    auth.seen.clear()
    auth.answer = lambda seen: None
    response = gateway.request(method, "/api/v1/users", headers, body)
    assert_problem(response, 502, "Bad Gateway")
    assert [seen.method for seen in auth.seen] == [method]
    assert entry_of(gateway, response)["resent"] == "0"


def test_one_broken_answer_is_not_noticed(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    playlist = upstreams["playlist"]
    playlist.answer = lambda seen: None if len(playlist.seen) == 1 else playlist.named(seen)
    assert gateway.get("/api/v1/me").json() == {"service": "playlist"}
    assert len(playlist.seen) == 2


def test_an_error_answer_of_a_service_is_an_answer(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    upstreams["auth"].answer = lambda seen: Reply(503, {"Retry-After": "77"}, b"busy")
    response = gateway.get("/api/v1/users")
    assert (response.status, response.body) == (503, b"busy")
    assert response.headers["Retry-After"] == "77"
    assert len(upstreams["auth"].seen) == 1


def test_an_unhealthy_service_gets_no_requests_until_it_is_well(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    media = upstreams["media"]
    checks = media.health_checks
    wait_for(lambda: media.health_checks > checks)
    media.healthy = False
    try:
        wait_for(lambda: gateway.get("/api/v1/media/x").status == 503)
        media.seen.clear()
        assert_problem(gateway.get("/api/v1/media/x"), 503, "Service Unavailable")
        assert media.seen == []
    finally:
        media.healthy = True
    wait_for(lambda: gateway.get("/api/v1/media/x").status == 200)


def test_one_of_two_replicas_is_enough(
    routes: RouteTable, folder: Path, media_root: Path, upstreams: dict[Service, Upstream]
) -> None:
    second = Upstream("catalog", folder / "catalog-2.sock")
    second.start()
    addresses = {name: [upstream.address] for name, upstream in upstreams.items()}
    addresses["catalog"].append(second.address)
    own = folder / "replicas"
    own.mkdir()
    options = GatewayOptions(listen=f"unix/{own}/listen.sock", media_root=media_root)
    with running_gateway(routes, addresses, options, own) as gateway:
        wait_for(lambda: bool(gateway.get("/api/v1/tracks") and second.seen))
        wait_for(lambda: bool(gateway.get("/api/v1/tracks") and upstreams["catalog"].seen))
        second.stop()
        assert [gateway.get("/api/v1/tracks").status for _ in range(6)] == [200] * 6
