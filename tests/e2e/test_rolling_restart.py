"""Web processes are stopped and started under load: nobody who calls through the gateway notices."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from sqlalchemy import text
from tests.e2e.traffic import (
    MADE,
    SERVICES,
    assert_each_made_once,
    clients,
    summary,
    token_of_a_new_user,
)
from tests.faults.scale import current
from tests.faults.servers import RedisServer, Sqlite
from tests.faults.suite.harness import WEBS, Suite, free_port
from tests.faults.suite.processes import Process

from gateway.options import GatewayOptions
from gateway.routes import load_routes
from gateway.testing.load import Load
from gateway.testing.running import RunningGateway, running_gateway

pytestmark = pytest.mark.timeout(1200)

_ROUNDS = {"short": 1, "standard": 5, "full": 20}
# The defaults of `common.gunicorn`, and a second for Python to end.
_STOP_SECONDS = 5 + 20 + 1


class Replicated(Suite):
    """Services of which each has two webs."""

    @property
    def upstreams(self) -> dict[Any, list[str]]:
        """Where the gateway finds them."""
        return {
            service: [f"127.0.0.1:{port}" for port in ports]
            for service, ports in self._ports.items()
        }

    def made(self, service: str) -> list[str]:
        """Return the names of what was made in a service."""
        with self.database(service).reading() as session:
            return list(session.execute(text(MADE[service])).scalars())


@pytest.fixture
def replicated(tmp_path: Path) -> Iterator[tuple[Replicated, RunningGateway]]:
    with tempfile.TemporaryDirectory(prefix="antiphon-") as short:
        redis_folder, own = Path(short, "redis"), Path(short, "gateway")
        redis_folder.mkdir()
        own.mkdir()
        redis, address = RedisServer(redis_folder), f"127.0.0.1:{free_port()}"
        environment = {
            "JWKS_URL": f"http://{address}/.well-known/jwks.json",
            "WEB_WORKERS": "2",
            "WEB_DRAIN_SECONDS": "5",
        }
        suite = Replicated(tmp_path, Path(short), Sqlite(tmp_path), redis, environment)
        options = GatewayOptions(listen=address, media_root=tmp_path)
        try:
            suite.migrate()
            suite.start(*WEBS, *WEBS)
            with running_gateway(load_routes(), suite.upstreams, options, own) as gateway:
                yield suite, gateway
        finally:
            suite.close()
            redis.close()


def test_a_rolling_restart_is_not_noticed(
    replicated: tuple[Replicated, RunningGateway],
) -> None:
    suite, gateway = replicated
    token = token_of_a_new_user(gateway.address)
    stops: list[float] = []
    with Load(gateway.address, clients(token)) as load:
        time.sleep(1)
        for _ in range(_ROUNDS[current().name]):
            for replica in (0, 1):
                webs = [suite.replicas(name)[replica] for name in WEBS]
                stops += _restart(webs)
        time.sleep(2)
    resent = sum(int(entry["resent"]) for entry in gateway.access_log())
    print(f"{len(stops)} restarts, stopped in p50 {median(stops):.1f} s, max {max(stops):.1f} s")
    print(f"{summary(load.outcomes)}; {resent} sent again")
    assert [str(outcome) for outcome in load.unexpected()] == []
    for service in SERVICES:
        assert_each_made_once(load, service, suite.made(service))


def _restart(webs: list[Process]) -> list[float]:
    """Replace processes, all at the same time; return how long each took to stop."""
    with ThreadPoolExecutor() as pool:
        seconds = list(pool.map(_stop, webs))
    for web in webs:
        web.start()
    for web in webs:
        web.wait_until_ready()
    return seconds


def _stop(web: Process) -> float:
    started = time.monotonic()
    assert web.terminate(_STOP_SECONDS) == 0, web.output[-2000:]
    return time.monotonic() - started
