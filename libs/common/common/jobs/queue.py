"""Putting jobs on the queue, and the sweeper that sends them to Celery."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from common.db import Database, after_commit, db_time, new_id
from common.jobs.tables import job
from common.logging import get_logger

log = get_logger(__name__)

MAX_ATTEMPTS = 5
_RESEND_AFTER = timedelta(seconds=60)

Send = Callable[[str, str], None]
"""Hands (kind, job id) to Celery."""
GiveUp = Callable[[Session, str, dict[str, Any]], None]
"""What a dead job means to its service: called with (kind, payload) in the same transaction."""


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
        )
    )
    carried = session.info.get("outbox")
    if carried is not None and carried.nudge is not None:
        after_commit(session, carried.nudge.send)
    return job_id


def cancel_jobs(session: Session, keys: Sequence[str]) -> int:
    """Cancel unfinished jobs; one that runs is fenced off. Returns how many."""
    unfinished = job.c.key.in_(keys) & job.c.state.in_(("queued", "running"))
    result = session.execute(
        update(job).where(unfinished).values(state="cancelled", finished_at=db_time(session))
    )
    return int(getattr(result, "rowcount", 0))


def send_due_jobs(database: Database, send: Send, give_up: GiveUp) -> int:
    """Send queued jobs and those whose worker fell silent; bury the ones that never end well.

    A message may get lost or doubled: a job not started in a minute is sent again, and only one
    worker gets its lease. Returns how many were sent.
    """
    with database.reading() as session:
        if session.execute(_due(session).limit(1)).first() is None:
            return 0
    with database.transaction() as session:
        now = db_time(session)
        rows = session.execute(_due(session).limit(100).with_for_update(skip_locked=True)).all()
        to_send = []
        for row in rows:
            if row.attempt >= MAX_ATTEMPTS:
                _bury(session, row, give_up)
                continue
            session.execute(
                update(job)
                .where(job.c.id == row.id)
                .values(state="queued", due_at=now + _RESEND_AFTER)
            )
            to_send.append((row.kind, row.id))
    for kind, job_id in to_send:
        send(kind, job_id)
    return len(to_send)


def _due(session: Session) -> Any:
    return (
        select(job)
        .where(job.c.state.in_(("queued", "running")), job.c.due_at <= db_time(session))
        .order_by(job.c.due_at)
    )


def _bury(session: Session, row: Any, give_up: GiveUp) -> None:
    log.error("job_dead", job_id=row.id, kind=row.kind, attempts=row.attempt)
    session.execute(
        update(job)
        .where(job.c.id == row.id)
        .values(
            state="dead",
            finished_at=db_time(session),
            last_error=row.last_error or "the worker died each time",
        )
    )
    give_up(session, row.kind, row.payload)
