"""Putting jobs on the queue, and the sweeper that sends them to Celery."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import Row, Select, delete, insert, select, update
from sqlalchemy.orm import Session

from common.db import Database, after_commit, db_time, new_id
from common.jobs.tables import job
from common.logging import get_logger
from common.metrics import observer
from common.tracing import Span, current_context, trace

log = get_logger(__name__)

MAX_ATTEMPTS = 5
# As long as a lease: no loss of a message delays a job by more than that of its worker. Sooner,
# there would be more copies of what only waits for its turn.
_RESEND_AFTER = timedelta(seconds=30)
_BATCH = 100
# Abandoned jobs first: they have waited in the queue once.
_OPEN = ("running", "queued")


class Sender(Protocol):
    """Hands jobs to workers; see `common.jobs.celery.JobSender`."""

    def has_room(self) -> bool:
        """Whether the queue is short enough for more."""

    def send(self, kind: str, job_id: str) -> None:
        """Put a job's id on the queue."""


@dataclass(frozen=True)
class GivenUp:
    """A job that will not be done: it died, or an operator cancelled it."""

    kind: str
    key: str
    payload: dict[str, Any]
    is_cancelled: bool


GiveUp = Callable[[Session, GivenUp], None]
"""What such a job means to its service: called in the transaction that ends it."""


def enqueue(session: Session, *, kind: str, key: str, payload: dict[str, Any]) -> str:
    """Queue a job, once per key, if and when this transaction commits; return its id."""
    existing = session.execute(select(job.c.id).where(job.c.key == key)).scalar_one_or_none()
    if existing is not None:
        return str(existing)
    job_id, now = new_id(), db_time(session)
    session.execute(
        insert(job).values(
            id=job_id,
            kind=kind,
            key=key,
            payload=payload,
            state="queued",
            attempt=0,
            due_at=now,
            created_at=now,
            **current_context()._asdict(),
        )
    )
    carried = session.info.get("outbox")
    if carried is not None and carried.nudge is not None:
        after_commit(session, carried.nudge.send)
    return job_id


def cancel_jobs(session: Session, keys: Sequence[str]) -> int:
    """Cancel unfinished jobs; one that runs is fenced off. Returns how many."""
    unfinished = job.c.key.in_(keys) & job.c.state.in_(("queued", "running", "cancelling"))
    result = session.execute(
        update(job).where(unfinished).values(state="cancelled", finished_at=db_time(session))
    )
    return int(getattr(result, "rowcount", 0))


def send_due_jobs(database: Database, sender: Sender, give_up: GiveUp) -> int:
    """Send queued jobs and those whose worker fell silent; bury the ones that never end well.

    A message may get lost or doubled: one not started in 30 s is sent again, and only one
    worker gets its lease. While the queue is long nothing is sent: the table is the queue, and
    Redis must not fill up with it. Returns how many were sent.
    """
    with database.reading() as session:
        if not any(session.execute(_due(session, state).limit(1)).first() for state in _OPEN):
            return 0
    if not sender.has_room():
        return 0
    with database.transaction() as session:
        rows = [row for state in _OPEN for row in _lock_due(session, state)]
        to_send = [row for row in rows if not is_hopeless(row)]
        due_at = db_time(session) + _RESEND_AFTER
        session.execute(
            update(job)
            .where(job.c.id.in_([row.id for row in to_send]))
            .values(state="queued", due_at=due_at)
        )
    for row in to_send:
        sender.send(row.kind, row.id)
        observer().job_sent(row.kind, expired=row.state == "running")
    for row in rows:
        if is_hopeless(row):
            _bury(database, row.id, give_up)
    return len(to_send)


def end_cancelled_jobs(database: Database, give_up: GiveUp) -> int:
    """End what the jobs were for that an operator cancelled; return how many there were.

    Operators change rows only: what a job means, its service alone knows. Needs no broker.
    """
    query = select(job.c.id).where(job.c.state == "cancelling").limit(_BATCH)
    with database.reading() as session:
        ids = session.execute(query).scalars().all()
    for job_id in ids:
        _end_cancelled(database, job_id, give_up)
    return len(ids)


def prune_jobs(session: Session, keep: timedelta = timedelta(days=30), limit: int = 500) -> int:
    """Delete a small batch of jobs that ended long ago, dead ones not; return how many."""
    # `due_at` is when the last lease would have ended, and has an index.
    old = select(job.c.id).where(
        job.c.state.in_(("done", "cancelled")), job.c.due_at < db_time(session) - keep
    )
    ids = session.execute(old.limit(limit)).scalars().all()
    session.execute(delete(job).where(job.c.id.in_(ids)))
    return len(ids)


def is_hopeless(row: Row[Any], *, after: int = 0) -> bool:
    """Whether it was tried as often as any job is, or will have been `after` more attempts."""
    # A deploy that cuts a job short says nothing about the job.
    return int(row.attempt) + after - int(row.interruptions) >= MAX_ATTEMPTS


def _due(session: Session, state: str) -> Select[Any]:
    # For one state the index gives them in order, and no more are read than are wanted. For two
    # MySQL would read, sort and lock all that is due: other workers would find nothing to take.
    is_due = (job.c.state == state) & (job.c.due_at <= db_time(session))
    return select(job).where(is_due).order_by(job.c.due_at)


def _lock_due(session: Session, state: str) -> Sequence[Row[Any]]:
    due = _due(session, state).limit(_BATCH)
    return session.execute(due.with_for_update(skip_locked=True)).all()


def _bury(database: Database, job_id: str, give_up: GiveUp) -> None:
    """End a job for good, in its own transaction: one that cannot be ended holds up no other."""
    try:
        with database.transaction() as session:
            mine = job.c.id == job_id
            row = session.execute(select(job).where(mine).with_for_update()).one()
            if row.state not in _OPEN or row.due_at > db_time(session):
                return
            reason = row.last_error or "the worker died each time"
            finished = {"state": "dead", "finished_at": db_time(session), "last_error": reason}
            session.execute(update(job).where(mine).values(**finished))
            with _in_trace(row):
                log.error("job_dead", kind=row.kind, attempts=row.attempt)
                give_up(session, GivenUp(row.kind, row.key, row.payload, is_cancelled=False))
        observer().job_dead(row.kind)
    except Exception:
        log.exception("job_cannot_be_buried", job_id=job_id)


def _end_cancelled(database: Database, job_id: str, give_up: GiveUp) -> None:
    try:
        with database.transaction() as session:
            mine = (job.c.id == job_id) & (job.c.state == "cancelling")
            row = session.execute(select(job).where(mine).with_for_update()).first()
            if row is None:  # another worker was faster
                return
            session.execute(update(job).where(mine).values(state="cancelled"))
            with _in_trace(row):
                give_up(session, GivenUp(row.kind, row.key, row.payload, is_cancelled=True))
                log.info("job_cancelled", kind=row.kind)
    except Exception:
        log.exception("job_cannot_be_ended", job_id=job_id)


def _in_trace(row: Row[Any]) -> AbstractContextManager[Span]:
    """Let what the end of a job leads to belong to the trace of what it was for."""
    return trace(f"end {row.kind}", "consumer", row.traceparent, row.tracestate, job_id=row.id)
