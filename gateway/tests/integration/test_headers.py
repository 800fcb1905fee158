"""What the gateway tells services and clients about a request, and what it lets nobody say."""

import contextlib
from typing import Any

import pytest

from gateway.routes import Service
from gateway.testing.running import RunningGateway, connection, free_port
from gateway.testing.upstream import Reply, Upstream


@pytest.fixture(scope="module")
def gateway_options() -> dict[str, Any]:
    # Over TCP, because a unix socket has no client address to forward.
    return {"listen": f"127.0.0.1:{free_port()}"}


def forwarded(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], *headers: tuple[str, str]
) -> dict[str, str]:
    """Send the headers; return what the service saw, by lower-case name."""
    assert gateway.get("/api/v1/tracks", *headers).status == 200
    return {name.lower(): text for name, text in upstreams["catalog"].seen[-1].headers.items()}


@pytest.mark.parametrize(
    "name",
    [
        "X-User-Id",
        "X-User-Roles",
        "x-user-scopes",
        "X_User_Id",
        "X_USER-ID",
        "X-User_Id",
        "X_Request_Id",
        "X_Forwarded_For",
        "Forwarded",
        "X-Real-Ip",
        "X-Accel-Redirect",
        "X-Accel-Internal",
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "X-Forwarded-Server",
        "Via",
    ],
)
def test_a_client_cannot_speak_for_the_gateway(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], name: str
) -> None:
    seen = forwarded(gateway, upstreams, (name, "forged"), ("X-Harmless", "kept"))
    assert "forged" not in str(upstreams["catalog"].seen[-1].headers)
    assert seen["x-harmless"] == "kept"


def test_the_forwarded_address_scheme_and_host_are_the_real_ones(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    forged = [(f"X-Forwarded-{name}", "forged") for name in ("For", "Proto", "Host")]
    for headers in (forged, [*forged, ("Connection", "X-Forwarded-For, X-Forwarded-Proto")]):
        seen = forwarded(gateway, upstreams, *headers)
        assert seen["x-forwarded-for"] == "127.0.0.1"
        assert seen["x-forwarded-proto"] == "http"
        assert seen["x-forwarded-host"] == gateway.address
        assert seen["host"] == gateway.address


def test_any_host_is_served(gateway: RunningGateway, upstreams: dict[Service, Upstream]) -> None:
    with contextlib.closing(connection(gateway.address)) as caller:
        caller.request("GET", "/api/v1/tracks", headers={"Host": "music.example:443"})
        assert caller.getresponse().read() == b'{"service": "catalog"}'
    seen = upstreams["catalog"].seen[-1].headers
    assert seen["Host"] == seen["X-Forwarded-Host"] == "music.example:443"


def test_what_clients_may_say_arrives(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    said = {
        "authorization": "Bearer abc",
        "idempotency-key": "k",
        "origin": "https://app.example",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "accept-language": "eo",
    }
    seen = forwarded(gateway, upstreams, *said.items())
    assert said.items() <= seen.items()


@pytest.mark.parametrize("given", ["a", "0190-AB_c.d", "x" * 128])
def test_a_sane_request_id_is_kept(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], given: str
) -> None:
    response = gateway.get("/api/v1/tracks", ("X-Request-Id", given))
    assert response.headers.get_all("X-Request-Id") == [given]
    assert upstreams["catalog"].seen[-1].headers.get_all("X-Request-Id") == [given]
    missing = gateway.get("/nothing", ("X-Request-Id", given))
    assert missing.headers.get_all("X-Request-Id") == [given]
    assert missing.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "{env.HOME}", "a\tb", "é"])
def test_any_other_request_id_is_replaced(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], given: str
) -> None:
    response = gateway.get("/api/v1/tracks", ("X-Request-Id", given))
    made = response.headers["X-Request-Id"]
    assert len(made) == 36
    assert made != given
    assert upstreams["catalog"].seen[-1].headers.get_all("X-Request-Id") == [made]


def test_two_request_ids_are_none(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    response = gateway.get("/api/v1/tracks", ("X-Request-Id", "one"), ("X-Request-Id", "two"))
    made = response.headers["X-Request-Id"]
    assert len(made) == 36
    assert upstreams["catalog"].seen[-1].headers.get_all("X-Request-Id") == [made]


def test_each_request_has_an_id_of_its_own(gateway: RunningGateway) -> None:
    ids = {gateway.get("/api/v1/tracks").headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5


def test_connection_cannot_take_the_request_id_away(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    trap = ("Connection", "close, X-Request-Id")
    assert forwarded(gateway, upstreams, trap, ("X-Request-Id", "mine"))["x-request-id"] == "mine"
    assert len(forwarded(gateway, upstreams, trap)["x-request-id"]) == 36


def test_what_the_service_says_of_itself_stays_inside(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    upstreams["catalog"].answer = lambda seen: Reply(
        headers={
            "Server": "gunicorn",
            "Via": "inside",
            "X-Request-Id": "its-own",
            "X-Accel-Redirect": "/secret",
            "X-Accel-Buffering": "no",
        }
    )
    headers = gateway.get("/api/v1/tracks", ("X-Request-Id", "mine")).headers
    assert headers.get_all("X-Request-Id") == ["mine"]
    assert {name.lower() for name in headers} == {"date", "content-length", "x-request-id"}
