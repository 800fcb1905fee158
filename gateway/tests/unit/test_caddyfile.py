from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.caddyfile import render
from gateway.options import GatewayOptions
from gateway.routes import RouteTable, RouteTableError, Service, parse_routes

UPSTREAMS: dict[Service, list[str]] = {
    "auth": ["unix//run/auth.sock"],
    "media": ["media-1:8000", "media-2:8000"],
}


@pytest.fixture
def routes() -> RouteTable:
    return parse_routes("""
routes:
  - {prefix: /openapi.json, service: auth, priority: 10}
  - {prefix: /media, service: media, priority: 20}
""")


def options(**values: Any) -> GatewayOptions:
    return GatewayOptions.model_validate({"media_root": "/srv/media", **values})


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_routes_and_upstreams_are_rendered(routes: RouteTable) -> None:
    rendered = lines(render(routes, UPSTREAMS, options()))
    assert r"~^/openapi\.json(?:/|$) auth" in rendered
    assert "~^/media(?:/|$) media" in rendered
    assert "import backend 60s `unix//run/auth.sock`" in rendered
    assert "import file_backend 600s `media-1:8000` `media-2:8000`" in rendered
    assert "root * `/srv/media`" in rendered


def test_defaults_are_the_documented_ones(routes: RouteTable) -> None:
    rendered = lines(render(routes, UPSTREAMS, options()))
    assert "admin off" in rendered
    assert "lb_try_duration 5000ms" in rendered
    assert "grace_period 5000ms" in rendered
    assert "health_interval 1000ms" in rendered
    assert "level INFO" in rendered
    assert rendered.count("max_size 1048576") == 1
    assert rendered.count("max_size 1073741824") == 1


def test_idle_connections_close_on_this_side_first(routes: RouteTable) -> None:
    gunicorn_keeps_seconds = 75
    (line,) = (line for line in lines(render(routes, UPSTREAMS, options())) if "keepalive" in line)
    assert 0 < int(line.removeprefix("keepalive ").removesuffix("s")) < gunicorn_keeps_seconds


def test_options_are_rendered(routes: RouteTable) -> None:
    chosen = options(
        listen="[::1]:8443",
        state_dir="/var/lib/gateway",
        max_body_bytes={"auth": 7},
        default_max_body_bytes=9,
        bridge_seconds=0.25,
        trusted_proxies=("10.0.0.7", "172.16.0.0/12"),
        log_level="WARN",
        log_format="console",
    )
    rendered = lines(render(routes, UPSTREAMS, chosen))
    assert "http://:8443 {" in rendered
    assert "bind [::1]" in rendered
    assert "admin `unix//var/lib/gateway/admin.sock`" in rendered
    assert "max_size 7" in rendered
    assert "max_size 9" in rendered
    assert "lb_try_duration 250ms" in rendered
    assert "trusted_proxies static 10.0.0.7/32 172.16.0.0/12" in rendered
    assert rendered.count("level WARN") == 2
    assert "wrap console" in rendered


@pytest.mark.parametrize("upstreams", [{}, {"auth": ["a:1"], "media": []}])
def test_a_routed_service_needs_an_upstream(
    routes: RouteTable, upstreams: dict[Service, list[str]]
) -> None:
    with pytest.raises(RouteTableError, match="has routes but no upstream"):
        render(routes, upstreams, options())


@pytest.mark.parametrize(
    "address",
    ["auth", "auth:0", "auth:65536", "http://auth:80", "unix/run/a", "unix//a b", "unix//{x}"],
)
def test_a_bad_address_is_refused(routes: RouteTable, address: str) -> None:
    with pytest.raises(RouteTableError, match="upstream of auth"):
        render(routes, {**UPSTREAMS, "auth": [address]}, options())
    with pytest.raises(ValidationError):
        options(listen=address)


def test_a_socket_path_too_long_for_the_system_is_refused(routes: RouteTable) -> None:
    with pytest.raises(RouteTableError, match="too long for a socket"):
        render(routes, {**UPSTREAMS, "auth": [f"unix//{'a' * 103}"]}, options())


@pytest.mark.parametrize(
    "values",
    [
        {"media_root": "relative"},
        {"media_root": "/srv/{env.HOME}"},
        {"media_root": "/srv/`"},
        {"state_dir": Path("state")},
        {"bridge_seconds": 0},
        {"max_body_bytes": {"auth": 0}},
        {"max_body_bytes": {"billing": 1}},
        {"log_level": "LOUD"},
        {"trusted_proxies": ("10.0.0.7/8",)},
        {"trusted_proxies": ("a.proxy",)},
        {"unknown": 1},
    ],
)
def test_bad_options_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(**values)
