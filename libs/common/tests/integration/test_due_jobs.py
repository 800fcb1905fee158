"""Finding due jobs among many, which each worker does every second."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert, select, update

from common.db import Database, db_time, new_id
from common.jobs import RunningJob, run_job, send_due_jobs
from common.jobs.tables import job, metadata
from common.testing.schemas import MakeSchema

BACKLOG = 1000
"""Queued jobs that are due, in a table of four times as many."""
BATCH = 100


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    database = Database(make_schema(tables=metadata))
    with database.transaction() as session:
        now = db_time(session)
        later = now + timedelta(hours=1)
        ages = [timedelta(seconds=number) for number in range(BACKLOG)]
        session.execute(
            insert(job),
            [_row(state, now - age) for state in ("queued", "done", "done") for age in ages]
            # Those that run, and those that were sent and wait for a worker.
            + [_row(state, later + age) for state in ("queued", "running") for age in ages[1::2]],
        )
    yield database
    database.dispose()


def _row(state: str, due_at: Any) -> dict[str, Any]:
    job_id = new_id()
    of_work: dict[str, Any] = {"id": job_id, "kind": "test.work", "key": job_id, "payload": {}}
    return {**of_work, "state": state, "attempt": 0, "due_at": due_at, "created_at": due_at}


class Queue:
    """Notes what was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def has_room(self) -> bool:
        return True

    def send(self, kind: str, job_id: str) -> None:
        self.sent.append(job_id)


def _send(database: Database) -> list[str]:
    queue = Queue()
    send_due_jobs(database, queue, lambda *_: None)
    return queue.sent


@contextmanager
def _listening(database: Database, when: str, listener: Any) -> Iterator[None]:
    event.listen(database.engine, when, listener)
    try:
        yield
    finally:
        event.remove(database.engine, when, listener)


def _plan(database: Database, statement: str, parameters: Any) -> list[str]:
    """Return what the database says of each step."""
    explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN FORMAT=TRADITIONAL"
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).mappings().all()
    return [str(row["detail"] if "detail" in row else (row["key"], row["Extra"])) for row in rows]


def _first(database: Database) -> list[str]:
    queued = select(job.c.id).where(job.c.state == "queued")
    with database.reading() as session:
        return list(session.scalars(queued.order_by(job.c.due_at).limit(3 * BATCH)))


def test_no_backlog_is_sorted_to_find_what_is_due(database: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "ORDER BY job.due_at" in statement:
            asked.append((statement, parameters))

    with _listening(database, "before_cursor_execute", note):
        _send(database)
    assert len(asked) >= 2
    for statement, parameters in asked:
        (step,) = _plan(database, statement, parameters)
        assert "ix_job_state_due_at" in step
        assert not re.search("filesort|TEMP B-TREE", step)


# On SQLite there is one writer at a time.
@pytest.mark.parametrize("lend_schema", ["mysql"], indirect=True)
def test_no_more_is_locked_than_is_sent(database: Database) -> None:
    """Another worker sends what comes next, and whoever gets a message may take its job."""
    oldest = _first(database)
    of_others: list[str] = []
    taken: list[bool] = []

    def meddle(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE job"):  # what is to be sent is locked
            of_others.extend(_send(other))
            taken.extend(run_job(other, job_id, complete) for job_id in oldest[-3:])

    def complete(running: RunningJob) -> None:
        with other.transaction() as session:
            running.complete(session)

    other = Database(database.engine.url.render_as_string(hide_password=False))
    with _listening(database, "before_cursor_execute", meddle):
        sent = _send(database)
    other.dispose()

    assert sent == oldest[:BATCH]
    assert of_others == oldest[BATCH : 2 * BATCH]
    assert taken == [True] * 3


def test_abandoned_jobs_are_sent_beside_a_backlog_of_queued_ones(database: Database) -> None:
    with database.transaction() as session:
        running = select(job.c.id).where(job.c.state == "running").limit(1)
        job_id = session.scalars(running).one()
        abandoned = {"due_at": db_time(session) - timedelta(milliseconds=1)}
        session.execute(update(job).where(job.c.id == job_id).values(**abandoned))
    assert job_id in _send(database)
