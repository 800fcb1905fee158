"""What operators see of jobs and change in them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from common.db import Database, db_time, utcnow
from common.errors import Conflict, NotFound
from common.jobs import RunningJob, end_cancelled_jobs, enqueue, run_job
from common.jobs.operations import STATES, cancel_job, job_backlog, list_jobs, retry_job
from common.jobs.tables import job
from common.testing.schemas import MakeSchema

LEASE = timedelta(seconds=0.3)


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    # The schema of a service that has jobs.
    database = Database(make_schema("media"))
    yield database
    database.dispose()


def _enqueue(database: Database, key: str = "k", kind: str = "test.work", n: int = 1) -> str:
    with database.transaction() as session:
        return enqueue(session, kind=kind, key=key, payload={"n": n})


def _set(database: Database, job_id: str, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(job).where(job.c.id == job_id).values(**values))


def _row(database: Database, job_id: str) -> Any:
    with database.reading() as session:
        return session.execute(select(job).where(job.c.id == job_id)).first()


def _retry(database: Database, job_id: str) -> str:
    with database.transaction() as session:
        return retry_job(session, job_id)


def _complete(database: Database) -> Any:
    def work(running: RunningJob) -> None:
        with database.transaction() as session:
            running.complete(session)

    return work


def test_lists_jobs_newest_first(database: Database) -> None:
    first, second = _enqueue(database, "1"), _enqueue(database, "2", "test.other")
    third = _enqueue(database, "3")
    _set(database, first, state="dead", last_error="boom")

    def listed(states: Any, kind: str | None = None, limit: int = 10) -> list[str]:
        with database.reading() as session:
            return [found.id for found in list_jobs(session, states, kind, limit)]

    assert listed(STATES) == [third, second, first]
    assert listed(["queued"]) == [third, second]
    assert listed(STATES, "test.work") == [third, first]
    assert listed(STATES, limit=1) == [third]
    with database.reading() as session:
        (found,) = list_jobs(session, ["dead"], None, 10)
    assert (found.key, found.kind, found.last_error) == ("1", "test.work", "boom")


def test_the_backlog_is_what_is_not_over(database: Database) -> None:
    for key, state in zip("123456", STATES, strict=True):
        _set(database, _enqueue(database, key), state=state)
    old = _enqueue(database, "old")
    with database.transaction() as session:
        created_at = db_time(session) - timedelta(hours=1)
        session.execute(update(job).where(job.c.id == old).values(created_at=created_at))

    with database.reading() as session:
        backlog = job_backlog(session)

    assert backlog.counts == {
        ("test.work", "queued"): 2,
        ("test.work", "running"): 1,
        ("test.work", "dead"): 1,
    }
    assert backlog.oldest_queued_age == pytest.approx(3600, abs=30)


def test_no_jobs_have_no_age(database: Database) -> None:
    with database.reading() as session:
        assert job_backlog(session).oldest_queued_age == 0.0


def test_a_dead_job_gets_all_its_attempts_again(database: Database) -> None:
    dead = _enqueue(database)
    later = utcnow() + timedelta(hours=1)
    _set(database, dead, state="dead", attempt=5, last_error="boom", not_before=later)

    again = _retry(database, dead)

    assert _row(database, dead) is None
    row = _row(database, again)
    assert (row.state, row.attempt, row.key, row.last_error) == ("queued", 0, "k", None)
    assert run_job(database, again, _complete(database))
    assert _row(database, again).state == "done"


def test_a_worker_that_still_has_the_old_job_stays_fenced_off(database: Database) -> None:
    """Its attempt has the number that the retried job's first one has."""
    job_id = _enqueue(database)
    inside, leave = threading.Event(), threading.Event()
    kept: list[bool] = []

    def work(running: RunningJob) -> None:
        inside.set()
        assert leave.wait(10)
        with database.transaction() as session:
            running.complete(session)
        kept.append(True)

    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(run_job, database, job_id, work, lease=timedelta(seconds=60))
        assert inside.wait(10)
        with database.transaction() as session:
            assert cancel_job(session, job_id) == "running"
        end_cancelled_jobs(database, lambda *_: None)
        again = _retry(database, job_id)

        def second(running: RunningJob) -> None:
            assert running.attempt == 1
            leave.set()
            late.result(10)
            _complete(database)(running)

        assert run_job(database, again, second)
    assert kept == []
    assert _row(database, again).state == "done"


def test_a_running_worker_hears_that_its_job_was_cancelled(database: Database) -> None:
    job_id = _enqueue(database)

    def work(running: RunningJob) -> None:
        with database.transaction() as session:
            cancel_job(session, job_id)
        assert running.lost.wait(5)

    run_job(database, job_id, work, lease=LEASE)
    assert _row(database, job_id).state == "cancelling"


@pytest.mark.parametrize("state", ["queued", "running", "done"])
def test_what_is_not_over_or_well_is_not_retried(database: Database, state: str) -> None:
    job_id = _enqueue(database)
    _set(database, job_id, state=state)
    with pytest.raises(Conflict, match=state):
        _retry(database, job_id)


def test_a_job_whose_work_was_begun_anew_is_not_retried(database: Database) -> None:
    old, other = _enqueue(database, "old"), _enqueue(database, "other", n=2)
    _set(database, old, state="dead")
    _set(database, other, state="dead")
    newer = _enqueue(database, "newer", "test.second")

    with pytest.raises(Conflict, match=newer):
        _retry(database, old)

    assert _row(database, old).state == "dead"
    assert _retry(database, other) != other
    _set(database, newer, state="cancelled")
    assert _retry(database, newer) != newer


def test_cancels_what_is_not_done(database: Database) -> None:
    for key, state in zip("123", ("queued", "running", "dead"), strict=True):
        job_id = _enqueue(database, key)
        _set(database, job_id, state=state)
        with database.transaction() as session:
            assert cancel_job(session, job_id) == state
        assert _row(database, job_id).state == "cancelling"
        with database.transaction() as session, pytest.raises(Conflict, match="cancelling"):
            cancel_job(session, job_id)


def test_a_job_that_is_not_there_is_not_found(database: Database) -> None:
    with database.transaction() as session:
        for change in (retry_job, cancel_job):
            with pytest.raises(NotFound):
                change(session, "nobody")
