"""Two releases at work at the same time: test 17."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, String, inspect, select
from tests.faults.scale import Scale
from tests.faults.suite.audit import balance, failures
from tests.faults.suite.harness import SERVICES, WORKERS, Suite
from tests.faults.suite.processes import Process, wait_for
from tests.faults.suite.release import subject_id
from tests.faults.suite.settle import drain
from tests.faults.tally import Tally

from media.models import Track as MediaTrack
from playlist.models import Album, Artist, Track

pytestmark = [pytest.mark.timeout(3600), pytest.mark.standard]

_ROUNDS = {"standard": 40, "full": 400}
_PAUSE_SECONDS = 0.3
_STOP_SECONDS = 60
_SECOND = tuple(name for name in WORKERS if name != "playlist.worker")
"""Services with two of today's workers; playlist's second ones are of the old release."""
_RELEASE = "tests.faults.suite.release"


def test_a_rolling_deploy(make_suite: Callable[..., Suite], scale: Scale, tally: Tally) -> None:
    """Old and new producers and consumers share queues, and no event is given up.

    Real: today's workers of all services, two of each, that are replaced one by one with SIGTERM
    while events come. Simulated, as a checkout holds one release only:
    - New producers: processes that write golden samples with fields nobody knows, in the envelope
      and at any depth of its data, to each service's outbox. Beside them old ones write the samples
      as they are, of the same subjects.
    - The old release of playlist: workers with smaller copies of catalog's events, which give up
      the queue to today's workers before the new producers start (consumers are deployed first).
    - The next release's migration: a nullable column more in each table, added while workers of the
      release before run.
    """
    suite = make_suite()
    suite.migrate()
    first, second = suite.start(*WORKERS), suite.start(*_SECOND)
    outdated = _start_old_consumers(suite, 2)
    rounds = _ROUNDS[scale.name]
    producers = _start_producers(suite, "old", rounds)
    time.sleep(1)
    _add_columns(suite)
    time.sleep(1)
    _replace(suite, outdated, ["playlist.worker"])
    producers += _start_producers(suite, "new", rounds)
    _replace(suite, first, WORKERS)
    _replace(suite, second, _SECOND)
    _wait_for_end(producers, rounds)
    drained = drain(suite, scale.drain_seconds)
    ledger = balance(suite)
    given_up = failures(suite)
    tally.record(
        number=17,
        title="rolling deploy of two releases",
        committed=ledger.committed,
        applied=ledger.applied,
        lost=len(ledger.lost),
        twice=0,
        redelivered=None,
        drained_seconds=drained,
        note=f"{sum(p.starts for p in suite.processes)} processes started, dead {len(given_up)}",
    )
    assert given_up == []
    assert (ledger.lost, ledger.foreign) == ([], [])
    assert _outdated_subjects(suite, rounds) == []


def _start_old_consumers(suite: Suite, count: int) -> list[Process]:
    started = [suite.add_module(f"playlist.old-{n}", _RELEASE, "consume") for n in range(count)]
    for process in started:
        process.start()
    for process in started:
        process.wait_for_output("worker_started")
    return started


def _start_producers(suite: Suite, release: str, rounds: int) -> list[Process]:
    producers = [
        suite.add_module(
            f"{service}.{release}-producer",
            _RELEASE,
            *("produce", service, release, str(rounds), str(_PAUSE_SECONDS)),
        )
        for service in SERVICES
    ]
    for producer in producers:
        producer.start()
    return producers


def _wait_for_end(producers: Sequence[Process], rounds: int) -> None:
    for producer in producers:
        wait_for(lambda p=producer: not p.is_alive, rounds * 4, lambda: "producers hang")  # type: ignore[misc]
        assert producer.terminate(5) == 0, producer.output


def _replace(suite: Suite, outdated: Sequence[Process], names: Sequence[str]) -> None:
    """Start processes of the new release, then end those of the old one in good order."""
    suite.start(*names)
    for process in outdated:
        assert process.terminate(_STOP_SECONDS) == 0, process.output[-3000:]


def _add_columns(suite: Suite) -> None:
    """Migrate each schema forward as the next release would: additions only."""
    for service in SERVICES:
        engine = suite.database(service).engine
        names = [n for n in inspect(engine).get_table_names() if not n.startswith("search_")]
        with engine.connect().execution_options(sqlite_begin="BEGIN IMMEDIATE") as connection:
            operations = Operations(MigrationContext.configure(connection))
            for name in names:
                if name != "alembic_version":
                    operations.add_column(name, Column("of_next_release", String(20)))
            connection.commit()


def _outdated_subjects(suite: Suite, rounds: int) -> list[str]:
    """Return the subjects that are not at the version that the new producers told of."""
    found = []
    for service, model, kind in (
        ("playlist", Track, "track"),
        ("playlist", Artist, "artist"),
        ("playlist", Album, "album"),
        ("media", MediaTrack, "track"),
    ):
        versions = _versions(suite, service, model)
        for change in ("published", "updated", "deleted"):
            for number in range(rounds):
                about = subject_id(f"catalog.{kind}.{change}.v1", number)
                if versions.get(about) != (2, change == "deleted"):
                    found.append(f"{service}: {change} {kind} {about} {versions.get(about)}")
    return found


def _versions(suite: Suite, service: str, model: Any) -> dict[str, tuple[int, bool]]:
    columns = select(model.id, model.src_version, model.deleted)
    with suite.database(service).reading() as session:
        return {row.id: (row.src_version, row.deleted) for row in session.execute(columns)}
