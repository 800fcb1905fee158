import multiprocessing
from collections.abc import Callable

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update

from common.db import Database, after_commit, db_time, utcnow
from common.testing.schemas import MakeSchema

counter = Table("counter", MetaData(), Column("value", Integer, nullable=False))


@pytest.fixture
def url(make_schema: MakeSchema) -> str:
    url = make_schema(tables=counter.metadata)
    database = Database(url)
    with database.transaction() as session:
        session.execute(insert(counter).values(value=0))
    database.dispose()
    return url


def _read_then_write(url: str, times: int) -> None:
    database = Database(url)
    for _ in range(times):
        with database.transaction() as session:
            # What locks on MySQL means nothing to SQLite, where the transaction does.
            value = session.execute(select(counter.c.value).with_for_update()).scalar_one()
            session.execute(update(counter).values(value=value + 1))
    database.dispose()


def test_three_processes_lose_no_update(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_read_then_write, args=(url, 200)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    database = Database(url)
    with database.reading() as session:
        assert session.execute(select(counter.c.value)).scalar_one() == 600
    database.dispose()


def test_after_commit_runs_once_and_only_after_a_commit(url: str) -> None:
    database, calls = Database(url), []

    def note() -> None:
        calls.append("ran")

    with database.transaction() as session:
        after_commit(session, note)
        after_commit(session, note)
        assert calls == []
    assert calls == ["ran"]
    with pytest.raises(ZeroDivisionError):
        _fail_after(database, note)
    assert calls == ["ran"]
    database.dispose()


def _fail_after(database: Database, callback: Callable[[], None]) -> None:
    with database.transaction() as session:
        after_commit(session, callback)
        raise ZeroDivisionError


def test_a_failing_callback_does_not_undo_the_commit(url: str) -> None:
    database = Database(url)

    def fail() -> None:
        raise RuntimeError("the broker is away")

    with database.transaction() as session:
        session.execute(update(counter).values(value=7))
        after_commit(session, fail)
    with database.reading() as session:
        assert session.execute(select(counter.c.value)).scalar_one() == 7
    database.dispose()


def test_the_databases_clock_is_utc(url: str) -> None:
    database = Database(url)
    with database.reading() as session:
        assert abs((db_time(session) - utcnow()).total_seconds()) < 2
    database.dispose()
