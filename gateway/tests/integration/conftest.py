"""One real Caddy and four real upstreams for each test module."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.options import GatewayOptions
from gateway.routes import SERVICES, RouteTable, Service, load_routes
from gateway.testing.running import RunningGateway, running_gateway
from gateway.testing.upstream import Upstream

Upstreams = dict[Service, Upstream]


@pytest.fixture(scope="session")
def routes() -> RouteTable:
    return load_routes()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    # pytest's own folders are too long for a socket.
    with tempfile.TemporaryDirectory(prefix="gw-") as path:
        yield Path(path)


@pytest.fixture(scope="module")
def media_root(folder: Path) -> Path:
    root = folder / "media files"
    root.mkdir()
    return root


@pytest.fixture(scope="module")
def running_upstreams(folder: Path) -> Iterator[Upstreams]:
    upstreams: Upstreams = {name: Upstream(name, folder / f"{name}.sock") for name in SERVICES}
    for upstream in upstreams.values():
        upstream.start()
    yield upstreams
    for upstream in upstreams.values():
        upstream.stop()


@pytest.fixture
def upstreams(running_upstreams: Upstreams) -> Iterator[Upstreams]:
    yield running_upstreams
    for upstream in running_upstreams.values():
        upstream.reset()


@pytest.fixture(scope="module")
def start_gateway(
    routes: RouteTable, folder: Path, media_root: Path, running_upstreams: Upstreams
) -> Callable[..., contextlib.AbstractContextManager[RunningGateway]]:
    def start(
        name: str = "gateway", **options: Any
    ) -> contextlib.AbstractContextManager[RunningGateway]:
        own = folder / name
        own.mkdir()
        settings = {"listen": f"unix/{own}/listen.sock", "media_root": media_root, **options}
        return running_gateway(
            routes,
            {service: [upstream.address] for service, upstream in running_upstreams.items()},
            GatewayOptions.model_validate(settings),
            own,
        )

    return start


@pytest.fixture(scope="module")
def gateway_options() -> dict[str, Any]:
    """What a module's gateway has different; a module overrides this fixture."""
    return {}


@pytest.fixture(scope="module")
def gateway(
    start_gateway: Callable[..., contextlib.AbstractContextManager[RunningGateway]],
    gateway_options: dict[str, Any],
) -> Iterator[RunningGateway]:
    with start_gateway(**gateway_options) as running:
        yield running
