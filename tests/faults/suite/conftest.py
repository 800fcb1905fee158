"""The real services on a SQL server and a Redis that tests kill."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.scale import Scale
from tests.faults.servers import RedisServer, SqlServer
from tests.faults.suite.audio import tone
from tests.faults.suite.harness import Suite

MakeTone = Callable[..., bytes]


@pytest.fixture
def make_suite(
    tmp_path: Path, sql_server: SqlServer, redis_server: RedisServer, scale: Scale
) -> Iterator[Callable[..., Suite]]:
    """Return a function that gives a suite with an environment; nothing of it runs yet."""
    made: list[Suite] = []
    run_dir = Path(tempfile.mkdtemp(prefix="antiphon-"))

    def make(**environment: str) -> Suite:
        lease = {"RESEND_LEASE_SECONDS": str(scale.resend_lease_seconds)}
        suite = Suite(tmp_path, run_dir, sql_server, redis_server, lease | environment)
        made.append(suite)
        return suite

    yield make
    for suite in made:
        suite.close()
    shutil.rmtree(run_dir)


@pytest.fixture
def make_tone(tmp_path: Path) -> MakeTone:
    """Return a function that makes a recording: `make_tone(7, seconds=2)`."""

    def make(seed: int, seconds: float = 2, by: str = "oscillator") -> bytes:
        return tone(tmp_path / f"tone-{by}-{seed}.flac", seed, seconds, by)

    return make
