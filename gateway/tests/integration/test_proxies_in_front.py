"""A proxy in front that ends TLS, and says who its client is."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from gateway.routes import Service
from gateway.testing.running import RunningGateway, free_port
from gateway.testing.upstream import Upstream

CLIENT, PROXY = "203.0.113.9", "127.0.0.2"


@pytest.mark.parametrize(
    ("network", "address", "scheme"),
    [("127.0.0.0/8", CLIENT, "https"), ("198.51.100.0/24", "127.0.0.1", "http")],
)
def test_only_a_trusted_proxy_says_who_the_client_is(
    start_gateway: Callable[..., AbstractContextManager[RunningGateway]],
    upstreams: dict[Service, Upstream],
    network: str,
    address: str,
    scheme: str,
) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": f"forged, {CLIENT}, {PROXY}"}
    options = {"listen": f"127.0.0.1:{free_port()}", "trusted_proxies": (network,)}
    with start_gateway(f"trusts-{network[:3]}", **options) as gateway:
        assert gateway.get("/api/v1/tracks", *said.items()).status == 200
    seen = upstreams["catalog"].seen[-1].headers
    # One address and no list: services believe the last that is named.
    assert seen.get_all("X-Forwarded-For") == [address]
    assert seen.get_all("X-Forwarded-Proto") == [scheme]
