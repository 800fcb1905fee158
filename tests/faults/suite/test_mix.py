"""Anything fails at any time, for all services together: test 18."""

import random
import time
from collections.abc import Callable

import pytest
from tests.faults.scale import Scale, seeded
from tests.faults.suite.agreement import count_doubles, disagreements
from tests.faults.suite.audit import balance, failures
from tests.faults.suite.chaos import Chaos
from tests.faults.suite.harness import EVERYTHING, JOBS, Suite
from tests.faults.suite.processes import wait_for
from tests.faults.suite.settle import drain
from tests.faults.suite.writers import Library, Writer
from tests.faults.tally import Tally

pytestmark = [pytest.mark.timeout(7200), pytest.mark.standard]

_WRITERS = 3
_REPLICAS = ("catalog.worker", "playlist.worker", JOBS)
"""Of these there are two, which compete for the same events and jobs."""
_LEASE_SECONDS = "5"
_LEAST_WRITES = 5
"""A second, of all writers together."""
_MOST_TIMES_LONGER = 5


@pytest.mark.parametrize("redis_server", ["everysec"], indirect=True)
def test_anything_fails_at_any_time(
    make_suite: Callable[..., Suite],
    make_tone: Callable[..., bytes],
    scale: Scale,
    tally: Tally,
) -> None:
    """Every write that was answered is kept once, and every event applied once at each subscriber.

    Users register, upload, make playlists, like and listen over HTTP. A write without a clear
    answer is ambiguous; the user asks again with the same key until there is one.
    """
    rng = seeded(18, tally.dialect)
    suite = make_suite(MEDIA_JOB_LEASE_SECONDS=_LEASE_SECONDS, AUTH_ACCESS_TOKEN_SECONDS="1500")
    suite.migrate()
    suite.start(*EVERYTHING, *_REPLICAS)
    suite.keep()
    library, most_uploads = Library(), max(5, int(scale.mix_seconds / 10))
    writers = [
        Writer(
            suite.person(f"writer{number}"),
            library,
            random.Random(rng.random()),
            make_tone,
            most_uploads,
        )
        for number in range(_WRITERS)
    ]
    chaos = Chaos(suite, random.Random(rng.random()))
    for thread in (*writers, chaos):
        thread.start()
    seconds = _let_it_happen(writers, scale.mix_seconds)
    chaos.end()
    for writer in writers:
        writer.end()
    drained = drain(suite, scale.drain_seconds)
    ledger, doubles = balance(suite), count_doubles(suite)
    ambiguous = sum(writer.person.ambiguous for writer in writers)
    writes = sum(writer.journal.writes for writer in writers)
    tally.record(
        number=18,
        title="random mix over all services",
        committed=ledger.committed,
        applied=ledger.applied,
        lost=len(ledger.lost),
        twice=doubles,
        redelivered=None,
        drained_seconds=drained,
        note=f"{seconds:.0f} s, {writes} writes, {ambiguous} of no clear answer; {chaos}",
    )
    assert (ledger.lost, ledger.foreign, doubles) == ([], [], 0), failures(suite)
    assert disagreements(suite, [writer.journal for writer in writers]) == []
    assert writes >= _LEAST_WRITES * scale.mix_seconds, "too little happened to say anything"


def _let_it_happen(writers: list[Writer], seconds: float) -> float:
    """Wait, longer on a slow machine until enough was written; return the seconds it took."""

    def is_enough() -> bool:
        for writer in writers:
            writer.check()
        writes = sum(writer.journal.writes for writer in writers)
        return time.monotonic() >= least and writes >= _LEAST_WRITES * seconds

    least = time.monotonic() + seconds
    return wait_for(is_enough, _MOST_TIMES_LONGER * seconds, every=0.5)
