"""Running a job under a lease: a killed worker's job is redone, a stalled one cannot finish late.

The fencing number is `attempt` (Kleppmann, "How to do distributed locking", 2016).
"""

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from common.db import Database, db_time
from common.jobs.queue import is_hopeless
from common.jobs.tables import job
from common.logging import get_logger
from common.metrics import observer
from common.tracing import trace

log = get_logger(__name__)

LEASE = timedelta(seconds=30)


class Fenced(Exception):
    """Another attempt has this job now: whatever this one did must not be kept."""


class Interrupted(Exception):
    """This process shuts down: the job goes back to the queue at once, and nothing failed."""


@dataclass(frozen=True)
class RunningJob:
    """A job that this process has the lease of."""

    id: str
    kind: str
    payload: dict[str, Any]
    attempt: int
    traceparent: str | None = None
    tracestate: str | None = None
    is_last: bool = False
    """Whether nobody will try again if this attempt fails."""
    lost: threading.Event = field(default_factory=threading.Event, compare=False)
    """Set when the lease is gone: stop working."""

    def complete(self, session: Session) -> None:
        """Mark it done in the transaction that keeps its result; raises Fenced if not ours."""
        _change(session, self, state="done", finished_at=db_time(session))


def run_job(
    database: Database,
    job_id: str,
    work: Callable[[RunningJob], None],
    *,
    lease: timedelta = LEASE,
) -> bool:
    """Run `work` if the job is there to be taken; False if another worker has or had it.

    `work` ends with `job.complete(session)`. An error puts the job back with growing pauses,
    `Interrupted` at once.
    """
    running = _take(database, job_id, lease)
    if running is None:
        return False
    started = time.monotonic()
    with trace(
        f"run {running.kind}",
        "consumer",
        running.traceparent,
        running.tracestate,
        job_id=job_id,
        job_kind=running.kind,
    ) as span:
        try:
            with _heartbeat(database, running, lease):
                work(running)
            outcome = "done"
        except Fenced:
            outcome = "fenced"
        except Interrupted:
            outcome = _release(database, running)
        except Exception as error:
            outcome = _put_back(database, running, error)
            span.fail(error)
        seconds = time.monotonic() - started
        log.info("job_ended", outcome=outcome, attempt=running.attempt, seconds=round(seconds, 3))
    observer().job_ended(running.kind, outcome, seconds)
    return True


def _take(database: Database, job_id: str, lease: timedelta) -> RunningJob | None:
    with database.transaction() as session:
        now = db_time(session)
        row = session.execute(
            select(job).where(job.c.id == job_id).with_for_update(skip_locked=True)
        ).first()
        if row is None or not _is_free(row, now) or is_hopeless(row):
            return None
        session.execute(
            update(job)
            .where(job.c.id == job_id)
            .values(state="running", attempt=row.attempt + 1, due_at=now + lease)
        )
    return RunningJob(
        row.id,
        row.kind,
        row.payload,
        row.attempt + 1,
        row.traceparent,
        row.tracestate,
        is_last=is_hopeless(row, after=1),
    )


def _is_free(row: Row[Any], now: datetime) -> bool:
    if row.state == "running":
        return bool(row.due_at <= now)
    # Not `due_at`: that is when to send a queued job again, whose message is on its way.
    return row.state == "queued" and (row.not_before is None or row.not_before <= now)


@contextmanager
def _heartbeat(database: Database, running: RunningJob, lease: timedelta) -> Iterator[None]:
    stop = threading.Event()

    def beat() -> None:
        # Two may fail before the lease ends.
        while not stop.wait(lease.total_seconds() / 3):
            try:
                with database.transaction() as session:
                    _change(session, running, due_at=db_time(session) + lease)
            except Fenced:
                running.lost.set()
                return
            except Exception as error:  # the database may be back before the lease ends
                log.warning("heartbeat_failed", error=repr(error))

    in_trace = contextvars.copy_context()
    thread = threading.Thread(target=in_trace.run, args=(beat,), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _change(session: Session, running: RunningJob, **values: Any) -> None:
    result = session.execute(
        update(job)
        .where(job.c.id == running.id, job.c.attempt == running.attempt, job.c.state == "running")
        .values(**values)
    )
    if getattr(result, "rowcount", 0) != 1:
        raise Fenced(f"job {running.id}: attempt {running.attempt} is no longer the current one")


def _release(database: Database, running: RunningJob) -> str:
    """Queue an interrupted job for whoever is there; return how the attempt ended."""
    try:
        with database.transaction() as session:
            now = db_time(session)
            interruptions = job.c.interruptions + 1
            _change(session, running, state="queued", due_at=now, interruptions=interruptions)
    except Fenced:
        return "fenced"
    return "interrupted"


def _put_back(database: Database, running: RunningJob, error: Exception) -> str:
    """Queue a failed job again after a pause; return how the attempt ended."""
    log.warning("job_failed", attempt=running.attempt, exc_info=error)
    try:
        with database.transaction() as session:
            # After the last the sweeper ends it: no need to wait for that.
            seconds = 0 if running.is_last else 2 ** min(running.attempt, 6)
            wait = timedelta(seconds=seconds)
            again_at = db_time(session) + wait
            when = {"due_at": again_at, "not_before": again_at}
            _change(session, running, state="queued", last_error=repr(error), **when)
    except Fenced:
        return "fenced"
    return "failed"
