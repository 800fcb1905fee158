import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from common.db import Database, db_time
from common.jobs import (
    Fenced,
    GivenUp,
    Interrupted,
    RunningJob,
    cancel_jobs,
    end_cancelled_jobs,
    enqueue,
    run_job,
    send_due_jobs,
)
from common.jobs.operations import cancel_job
from common.jobs.queue import MAX_ATTEMPTS
from common.jobs.tables import job, metadata
from common.testing.schemas import MakeSchema
from common.tracing import current_context, trace

Sent = list[tuple[str, str]]


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    database = Database(make_schema(tables=metadata))
    yield database
    database.dispose()


def _enqueue(database: Database, key: str = "k") -> str:
    with database.transaction() as session:
        return enqueue(session, kind="test.work", key=key, payload={"n": 1})


def _state(database: Database, job_id: str) -> str:
    with database.reading() as session:
        return str(session.execute(select(job.c.state).where(job.c.id == job_id)).scalar_one())


def _row(database: Database, job_id: str) -> Any:
    with database.reading() as session:
        return session.execute(select(job).where(job.c.id == job_id)).one()


def _make_due(database: Database, job_id: str) -> None:
    with database.transaction() as session:
        due = db_time(session) - timedelta(seconds=1)
        mine = update(job).where(job.c.id == job_id)
        session.execute(mine.values(due_at=due, not_before=due))


class Queue:
    """Notes what was sent."""

    def __init__(self, *, room: bool = True) -> None:
        self.room = room
        self.sent: Sent = []

    def has_room(self) -> bool:
        return self.room

    def send(self, kind: str, job_id: str) -> None:
        self.sent.append((kind, job_id))


def _send(database: Database) -> Sent:
    queue = Queue()
    send_due_jobs(database, queue, _never)
    return queue.sent


def _never(_session: Session, _given_up: GivenUp) -> None:
    raise AssertionError("nothing should have been given up")


def test_a_key_is_one_job_and_it_is_sent_once(database: Database) -> None:
    first, second = _enqueue(database), _enqueue(database)
    assert first == second
    assert _send(database) == [("test.work", first)]
    assert _send(database) == []


def test_while_the_queue_is_long_jobs_wait_in_the_table(database: Database) -> None:
    job_id = _enqueue(database)
    full = Queue(room=False)
    assert send_due_jobs(database, full, _never) == 0
    assert full.sent == []
    assert _send(database) == [("test.work", job_id)]


def test_a_job_that_cannot_be_buried_holds_up_no_other(database: Database) -> None:
    bad = _enqueue(database, "bad")
    with database.transaction() as session:
        session.execute(update(job).values(attempt=MAX_ATTEMPTS))
    good = _enqueue(database, "good")

    def fail(_session: Session, _given_up: GivenUp) -> None:
        raise RuntimeError("the service cannot say what this means")

    queue = Queue()
    assert send_due_jobs(database, queue, fail) == 1
    assert queue.sent == [("test.work", good)]
    assert _state(database, bad) == "queued"


def test_work_ends_with_its_result_in_one_transaction(database: Database) -> None:
    job_id = _enqueue(database)
    seen = []

    def work(running: RunningJob) -> None:
        seen.append((running.payload, running.attempt))
        with database.transaction() as session:
            running.complete(session)

    assert run_job(database, job_id, work)
    assert seen == [({"n": 1}, 1)]
    assert _state(database, job_id) == "done"
    assert not run_job(database, job_id, work)


def test_only_one_worker_gets_the_lease(database: Database) -> None:
    job_id = _enqueue(database)
    inside, leave = threading.Event(), threading.Event()

    def work(running: RunningJob) -> None:
        inside.set()
        leave.wait(10)
        with database.transaction() as session:
            running.complete(session)

    first = threading.Thread(target=run_job, args=(database, job_id, work))
    first.start()
    inside.wait(10)
    assert not run_job(database, job_id, work)
    leave.set()
    first.join()
    assert _state(database, job_id) == "done"


def test_a_stalled_worker_is_fenced_and_keeps_nothing(database: Database) -> None:
    job_id = _enqueue(database)
    outcome = []

    def stalled(running: RunningJob) -> None:
        _make_due(database, job_id)  # as if it had slept past its lease
        assert run_job(database, job_id, _complete(database))
        with pytest.raises(Fenced), database.transaction() as session:
            running.complete(session)
        outcome.append(running.attempt)

    run_job(database, job_id, stalled, lease=timedelta(seconds=180))
    assert outcome == [1]
    assert _state(database, job_id) == "done"


def test_the_heartbeat_renews_and_notices_the_loss(database: Database) -> None:
    job_id = _enqueue(database)

    def work(running: RunningJob) -> None:
        assert not running.lost.wait(1.5)
        assert _send(database) == []  # renewed, though the lease was short
        with database.transaction() as session:
            assert cancel_jobs(session, ["k"]) == 1
        assert running.lost.wait(5)

    assert run_job(database, job_id, work, lease=timedelta(seconds=1))
    assert _state(database, job_id) == "cancelled"


def test_a_job_that_a_shutdown_cuts_short_goes_on_at_once_and_has_not_failed(
    database: Database,
) -> None:
    job_id = _enqueue(database)
    _send(database)

    def interrupted(_running: RunningJob) -> None:
        raise Interrupted("the process shuts down")

    for _ in range(MAX_ATTEMPTS + 1):
        assert run_job(database, job_id, interrupted)
        assert _send(database) == [("test.work", job_id)]
    assert run_job(database, job_id, _complete(database))
    assert _state(database, job_id) == "done"


def test_an_abandoned_job_is_sent_again(database: Database) -> None:
    job_id = _enqueue(database)
    assert _send(database)

    class Killed(BaseException):
        """Stands for a SIGKILL: no code of ours runs after it."""

    def dies(_running: RunningJob) -> None:
        raise Killed

    with pytest.raises(Killed):
        run_job(database, job_id, dies)
    assert _state(database, job_id) == "running"
    assert _send(database) == []
    _make_due(database, job_id)
    assert _send(database) == [("test.work", job_id)]
    assert run_job(database, job_id, _complete(database))
    assert _state(database, job_id) == "done"


def test_copies_of_a_message_do_not_cut_the_pause_between_tries_short(database: Database) -> None:
    """A job that waits behind busy workers is sent every 30 s: each message would be a try."""
    job_id = _enqueue(database)
    for number in range(1, MAX_ATTEMPTS):
        assert run_job(database, job_id, _fail)
        for _ in range(3):
            assert not run_job(database, job_id, _fail)
        assert _send(database) == []
        row = _row(database, job_id)
        assert (row.state, row.attempt) == ("queued", number)
        _make_due(database, job_id)
        assert _send(database) == [("test.work", job_id)]
    assert run_job(database, job_id, _complete(database))
    assert _state(database, job_id) == "done"


def test_after_the_pause_any_message_of_the_job_will_do(database: Database) -> None:
    """The sweeper need not have sent it again."""
    job_id = _enqueue(database)
    assert run_job(database, job_id, _fail)
    row = _row(database, job_id)
    with database.transaction() as session:
        now = db_time(session)
        assert timedelta(0) < row.not_before - now <= timedelta(seconds=2)
        session.execute(update(job).values(not_before=now))
    assert row.due_at == row.not_before
    assert run_job(database, job_id, _complete(database))
    assert _state(database, job_id) == "done"


def test_a_job_that_never_ends_well_dies_and_says_so(database: Database) -> None:
    with trace("request", "server", None, None) as request:
        job_id = _enqueue(database)
    for _ in range(MAX_ATTEMPTS - 1):
        assert run_job(database, job_id, _fail)
        _make_due(database, job_id)
    assert run_job(database, job_id, _fail)
    assert not run_job(database, job_id, _fail), "a copy of its message came late"
    deaths: list[GivenUp] = []
    queue = Queue()

    def give_up(_session: Session, given_up: GivenUp) -> None:
        deaths.append(given_up)
        assert current_context().trace_id == request.context.trace_id

    send_due_jobs(database, queue, give_up)
    assert queue.sent == []
    assert deaths == [GivenUp("test.work", "k", {"n": 1}, is_cancelled=False)]
    assert _state(database, job_id) == "dead"
    with database.reading() as session:
        assert "no luck" in session.execute(select(job.c.last_error)).scalar_one()


def test_what_a_cancelled_job_was_for_is_ended_once(database: Database) -> None:
    cancelled, _other = _enqueue(database), _enqueue(database, "other")
    with database.transaction() as session:
        cancel_job(session, cancelled)
    assert _send(database) == [("test.work", _other)]
    ended: list[GivenUp] = []

    assert end_cancelled_jobs(database, lambda _session, given_up: ended.append(given_up)) == 1
    assert end_cancelled_jobs(database, lambda _session, given_up: ended.append(given_up)) == 0

    assert ended == [GivenUp("test.work", "k", {"n": 1}, is_cancelled=True)]
    assert _state(database, cancelled) == "cancelled"


def test_a_cancelled_job_whose_service_fails_to_end_it_is_ended_later(database: Database) -> None:
    job_id = _enqueue(database)
    with database.transaction() as session:
        cancel_job(session, job_id)

    def fail(_session: Session, _given_up: GivenUp) -> None:
        raise RuntimeError("no luck")

    end_cancelled_jobs(database, fail)
    assert _state(database, job_id) == "cancelling"
    end_cancelled_jobs(database, lambda _session, _given_up: None)
    assert _state(database, job_id) == "cancelled"


def _fail(_running: RunningJob) -> None:
    raise RuntimeError("no luck")


def _complete(database: Database) -> Any:
    def work(running: RunningJob) -> None:
        with database.transaction() as session:
            running.complete(session)

    return work
