"""What operators ask of the jobs and change in them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, select, update
from sqlalchemy.orm import Session

from common.db import db_time, new_id
from common.errors import Conflict, NotFound
from common.jobs.tables import job

STATES = ("queued", "running", "done", "dead", "cancelling", "cancelled")
_COUNTED = ("queued", "running", "dead")


@dataclass(frozen=True)
class JobRow:
    """A job as its row says."""

    id: str
    kind: str
    key: str
    state: str
    attempt: int
    created_at: datetime
    due_at: datetime
    """When a queued job is sent (again), or the lease of a running one ends."""
    finished_at: datetime | None
    last_error: str | None


@dataclass(frozen=True)
class JobBacklog:
    """Jobs by (kind, state), of those that are not over, and the age of the oldest queued one."""

    counts: dict[tuple[str, str], int]
    oldest_queued_age: float


def list_jobs(
    session: Session, states: Sequence[str], kind: str | None, limit: int
) -> list[JobRow]:
    """Return jobs in these states, newest first."""
    columns = [job.c[field.name] for field in fields(JobRow)]
    query = select(*columns).where(job.c.state.in_(states))
    if kind is not None:
        query = query.where(job.c.kind == kind)
    rows = session.execute(query.order_by(job.c.id.desc()).limit(limit))
    return [JobRow(*row) for row in rows]


def kinds_of_jobs(session: Session) -> list[str]:
    """Return which kinds of jobs there are or were of late."""
    return list(session.execute(select(job.c.kind).distinct()).scalars())


def job_backlog(session: Session) -> JobBacklog:
    """Return what is queued, running or dead, for whoever watches."""
    grouped = select(job.c.kind, job.c.state, func.count()).where(job.c.state.in_(_COUNTED))
    rows = session.execute(grouped.group_by(job.c.kind, job.c.state)).all()
    oldest = session.execute(
        select(func.min(job.c.created_at)).where(job.c.state == "queued")
    ).scalar()
    age = max(0.0, (db_time(session) - oldest).total_seconds()) if oldest else 0.0
    return JobBacklog({(kind, state): count for kind, state, count in rows}, age)


def retry_job(session: Session, job_id: str) -> str:
    """Queue a dead or cancelled job again with all its attempts; return its new id.

    Raises NotFound, or Conflict where it is not over or newer work would be undone. The id is new
    because `attempt` starts anew: a worker that still has the old one must stay fenced off.
    """
    row = _locked(session, job_id)
    if row.state not in ("dead", "cancelled"):
        raise Conflict(f"Job {job_id} is {row.state}: only a dead or cancelled one can be retried.")
    newer = _newer_with_same_payload(session, job_id)
    if newer is not None:
        raise Conflict(
            f"Job {job_id} was superseded by {newer.id} ({newer.kind}, {newer.state}), which is "
            "about the same: retrying the older one could undo what the newer one did."
        )
    new, now = new_id(), db_time(session)
    fresh: dict[str, Any] = {
        "attempt": 0,
        "interruptions": 0,
        "not_before": None,
        "finished_at": None,
        "last_error": None,
    }
    session.execute(
        update(job)
        .where(job.c.id == job_id)
        .values(id=new, state="queued", due_at=now, created_at=now, **fresh)
    )
    return new


def cancel_job(session: Session, job_id: str) -> str:
    """Cancel a job that is not done, and return what state it was in; one that runs is fenced off.

    Its service's worker then ends what it was for. A dead one counts as dealt with afterwards.
    Raises NotFound or Conflict.
    """
    row = _locked(session, job_id)
    if row.state not in _COUNTED:
        raise Conflict(f"Job {job_id} is {row.state}: there is nothing to cancel.")
    cancelled = {"state": "cancelling", "finished_at": db_time(session)}
    session.execute(update(job).where(job.c.id == job_id).values(**cancelled))
    return str(row.state)


def _locked(session: Session, job_id: str) -> Any:
    row = session.execute(select(job).where(job.c.id == job_id).with_for_update()).first()
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row


def _newer_with_same_payload(session: Session, job_id: str) -> Any:
    this, other = job.alias("this"), job.alias("other")
    # Both sides as the database prints JSON: comparing JSON itself differs between databases.
    same = cast(other.c.payload, String) == cast(this.c.payload, String)
    query = select(other).where(this.c.id == job_id, other.c.id > this.c.id, same)
    return session.execute(query.order_by(other.c.id.desc()).limit(1)).first()
