"""Web processes are stopped and started under load: nobody who uses the gateway notices."""

import os
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
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
from gateway.testing.load import Load, Outcome
from gateway.testing.running import RunningGateway, running_gateway

pytestmark = pytest.mark.timeout(1200)

_ONLY_WEBS = {"short": 1, "standard": 4, "full": 20}
# The supervisor takes who ends sooner for one that crashes, and lets it pause longer each time.
_HEALTHY_SECONDS = 30
_ROUNDS = {"short": 1, "standard": 5, "full": 20}
# Longer than the gateway takes to see two bad health checks; the default is 5.
_DRAIN_SECONDS = 3
# That, the grace time of `common.gunicorn`, and a second for Python to end.
_STOP_SECONDS = _DRAIN_SECONDS + 20 + 1


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
            "WEB_DRAIN_SECONDS": str(_DRAIN_SECONDS),
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
        time.sleep(0.5)
        for _ in range(_ROUNDS[current().name]):
            for replica in (0, 1):
                webs = [suite.replicas(name)[replica] for name in WEBS]
                stops += _restart(webs)
        time.sleep(1)
    resent = sum(int(entry["resent"]) for entry in gateway.access_log())
    print(f"{len(stops)} restarts, stopped in p50 {median(stops):.1f} s, max {max(stops):.1f} s")
    print(f"{summary(load.outcomes)}; {resent} sent again")
    assert [str(outcome) for outcome in load.unexpected()] == []
    for service in SERVICES:
        assert_each_made_once(load, service, suite.made(service))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_the_only_web_of_a_service_comes_back(suite: Any, number: signal.Signals) -> None:
    """Who asks meanwhile waits; SIGKILL breaks what was under way and may have taken effect."""
    address = f"127.0.0.1:{suite.port}"
    ends = _ONLY_WEBS[current().name]
    # Others with each signal, for in the short form there is one only.
    order = SERVICES[1:] + SERVICES[:1] if number is signal.SIGTERM else SERVICES[2:] + SERVICES[:2]
    with Load(address, clients(token_of_a_new_user(address), order[:ends])) as load:
        for turn in range(ends):
            time.sleep(_HEALTHY_SECONDS if turn and turn % len(SERVICES) == 0 else 1)
            service = order[turn % len(SERVICES)]
            taken = _end_web(suite, service, number)
            print(f"{service}.web is up again {taken:.1f} s after {number.name}")
        time.sleep(2)
    print(summary(load.outcomes))
    broken = load.unexpected()
    if number is signal.SIGKILL:
        # Of each of two clients that write what it waited for, and one more that it sent before
        # the kernel had taken the sockets away.
        assert len(broken) <= 4 * ends, [str(outcome) for outcome in broken]
        assert [str(outcome) for outcome in broken if not _is_broken_off(outcome)] == []
    else:
        assert [str(outcome) for outcome in broken] == []
    for service in order[:ends]:
        with closing(sqlite3.connect(suite.folder / f"{service}.db")) as database:
            made = [name for (name,) in database.execute(MADE[service])]
        assert_each_made_once(load, service, made)


def _is_broken_off(outcome: Outcome) -> bool:
    """Whether a write got what the gateway answers for one that a killed web had begun.

    Once that web has sent the head of its answer, the gateway can only break off as well.
    """
    if outcome.status == 0:
        answer = outcome.detail.startswith(("IncompleteRead(", "RemoteDisconnected("))
    else:
        problem = outcome.content_type == "application/problem+json"
        answer = outcome.status == 502 and problem
    return outcome.request.method == "POST" and answer


def _end_web(suite: Any, service: str, number: signal.Signals) -> float:
    """Send a signal to a web and return the seconds until the supervisor has it up again."""
    started, again = time.monotonic(), f"{service}.web is up again"
    before = sum(again in line for line in suite.output)
    os.kill(suite.pid_of(f"{service}.web"), number)
    while sum(again in line for line in suite.output) == before:
        assert time.monotonic() < started + 60
        time.sleep(0.05)
    return time.monotonic() - started


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
