"""Erasing users step by step, and their data in stored envelopes."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import Column, Table, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from common.db import Database, Id, new_id, new_metadata, utcnow
from common.erasure import Eraser, begin_erasure, erased_user, is_erased
from common.events import Envelope, Event, Outbox, Subscriptions, emit
from common.events.failures import fates, replay_dead
from common.events.inbox import receive, retry_due
from common.events.purging import purge_envelopes
from common.events.tables import inbox, outbox, outbox_delivery
from common.testing.schemas import MakeSchema

BATCH = 5

metadata = new_metadata()
note = Table("note", metadata, Column("id", Id, primary_key=True), Column("user_id", Id))


class NoteWritten(Event):
    event_type: ClassVar = "test.note.written.v1"
    subject_kind: ClassVar = "note"
    data_of: ClassVar[str | None] = "user_id"

    user_id: str
    words: str


class NoteDeleted(NoteWritten):
    event_type: ClassVar = "test.note.deleted.v1"
    data_of: ClassVar = None


class Erased(Event):
    event_type: ClassVar = "test.user_data.erased.v1"
    subject_kind: ClassVar = "user"

    service: str
    rows: int
    erased_at: datetime


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    routes = {kind.event_type: ["other"] for kind in (NoteWritten, NoteDeleted, Erased)}
    outbox = {"outbox": Outbox("/test", routes)}
    # Any service's schema that has the tables of the bus and of erasures.
    database = Database(make_schema("playlist", metadata), info=outbox)
    yield database
    database.dispose()


@pytest.fixture
def user_id() -> str:
    return new_id()


def _write(database: Database, user_id: str, count: int) -> None:
    with database.transaction() as session:
        rows = [{"id": new_id(), "user_id": user_id} for _ in range(count)]
        session.execute(insert(note), rows)
        for row in rows:
            emit(session, NoteWritten(**row, version=1, words="a secret"))


def _erase_some(session: Session, user_id: str) -> int:
    theirs = select(note.c.id).where(note.c.user_id == user_id).limit(BATCH)
    ids = session.scalars(theirs).all()
    session.execute(delete(note).where(note.c.id.in_(ids)))
    for note_id in ids:
        emit(session, NoteDeleted(id=note_id, version=2, user_id=user_id, words=""))
    return len(ids)


@pytest.fixture
def eraser(database: Database, monkeypatch: pytest.MonkeyPatch) -> Eraser:
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 60.0)
    return Eraser(database, "test", _erase_some, Erased)


def _begin(database: Database, user_id: str) -> None:
    with database.transaction() as session:
        begin_erasure(session, user_id)


def _look_again(database: Database, *, after: timedelta) -> None:
    with database.transaction() as session:
        at = session.scalars(select(erased_user.c.erased_at)).first()
        assert at is not None
        session.execute(update(erased_user).values(erased_at=at - after, look_at=at - after))


def _count(database: Database, table: Table) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _receipts(database: Database) -> list[tuple[int, int]]:
    with database.reading() as session:
        query = select(outbox.c.envelope).where(outbox.c.type == Erased.event_type)
        rows = session.scalars(query.order_by(outbox.c.event_id)).all()
    data = [Envelope.model_validate_json(row).data for row in rows]
    return [(receipt["version"], receipt["rows"]) for receipt in data]


def test_one_receipt_tells_of_all_rows(database: Database, eraser: Eraser, user_id: str) -> None:
    other = new_id()
    _write(database, user_id, 3 * BATCH + 1)
    _write(database, other, 2)
    _begin(database, user_id)
    assert _receipts(database) == []
    for _ in range(2):
        eraser()
    assert _count(database, note) == 2
    assert _receipts(database) == [(1, 3 * BATCH + 1)]
    with database.reading() as session:
        assert (is_erased(session, user_id), is_erased(session, other)) == (True, False)


def test_a_step_that_fails_is_not_counted_and_others_go_on(
    database: Database, eraser: Eraser, user_id: str
) -> None:
    other, steps = new_id(), []

    def fail_in_the_second(session: Session, of: str) -> int:
        rows = _erase_some(session, of)
        if of == user_id:
            steps.append(rows)
            if len(steps) == 2:
                raise RuntimeError("the database went away")
        return rows

    for owner in (user_id, other):
        _write(database, owner, 2 * BATCH)
        _begin(database, owner)
    replace(eraser, erase_some=fail_in_the_second)()
    assert _count(database, note) == BATCH
    assert _receipts(database) == [(1, 2 * BATCH)]
    eraser()
    assert _count(database, note) == BATCH  # it waits a little before it tries again
    _look_again(database, after=timedelta(minutes=1))
    eraser()
    assert _count(database, note) == 0
    assert _receipts(database) == [(1, 2 * BATCH), (1, 2 * BATCH)]


def test_workers_side_by_side_erase_once(database: Database, eraser: Eraser) -> None:
    users = [new_id() for _ in range(3)]
    for user_id in users:
        _write(database, user_id, 4 * BATCH)
        _begin(database, user_id)

    def work(_: int) -> None:
        for _ in range(5):
            eraser()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    _look_again(database, after=timedelta(minutes=1))
    eraser()
    assert _count(database, note) == 0
    assert _receipts(database) == [(1, 4 * BATCH)] * 3


def test_a_turn_ends_so_that_other_chores_get_theirs(
    database: Database, eraser: Eraser, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 0.0)
    _write(database, user_id, 3 * BATCH)
    _begin(database, user_id)
    left = []
    for _ in range(3):
        eraser()
        left.append(_count(database, note))
    assert left == [2 * BATCH, BATCH, 0]


def test_who_owns_little_does_not_wait_for_who_owns_much(
    database: Database, eraser: Eraser, user_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 0.0)
    other = new_id()
    for owner, count in ((user_id, 9 * BATCH), (other, BATCH)):
        _write(database, owner, count)
        _begin(database, owner)
        time.sleep(0.01)  # the database's clock tells milliseconds
    for _ in range(6):
        eraser()
        time.sleep(0.01)
    assert _receipts(database) == [(1, BATCH)]


def test_what_was_under_way_is_erased_later_and_told(
    database: Database, eraser: Eraser, user_id: str
) -> None:
    _write(database, user_id, 1)
    _begin(database, user_id)
    eraser()
    _write(database, user_id, 2)
    eraser()
    assert _count(database, note) == 2  # not yet
    _look_again(database, after=timedelta(minutes=1))
    eraser()
    assert _count(database, note) == 0
    assert _receipts(database) == [(1, 1), (2, 3)]
    _look_again(database, after=timedelta(hours=1))
    eraser()
    with database.reading() as session:
        assert session.scalar(select(erased_user.c.look_at)) is None
    assert _receipts(database) == [(1, 1), (2, 3)]


def test_only_events_that_hold_no_more_than_ids_stay(
    database: Database, eraser: Eraser, user_id: str
) -> None:
    other = new_id()
    _write(database, user_id, 2)
    _write(database, other, 1)
    with database.transaction() as session:
        (gone, *_) = session.scalars(select(note.c.id).where(note.c.user_id == user_id)).all()
        session.execute(delete(note).where(note.c.id == gone))
        emit(session, NoteDeleted(id=gone, version=2, user_id=user_id, words=""))
    _begin(database, user_id)
    eraser()
    with database.reading() as session:
        left = session.execute(select(outbox.c.type, outbox.c.envelope)).all()
    assert sorted(row.type for row in left) == [
        NoteDeleted.event_type,
        NoteDeleted.event_type,
        NoteWritten.event_type,
        Erased.event_type,
    ]
    assert [row.type for row in left if "secret" in row.envelope] == [NoteWritten.event_type]
    with database.reading() as session:  # a relay finds an envelope for each delivery
        due = set(session.scalars(select(outbox_delivery.c.event_id)))
        assert due == set(session.scalars(select(outbox.c.event_id)))


@pytest.fixture
def refuse(database: Database) -> Callable[..., str]:
    """Return a function that receives an event which fails; gives its id."""
    subscriptions = Subscriptions()

    @subscriptions.on(NoteWritten.event_type, NoteWritten)
    def fail(_session: Session, event: NoteWritten) -> None:
        raise RuntimeError(f"cannot read “{event.words}”")

    def make(user_id: str, kind: type[NoteWritten] = NoteWritten, **fields: Any) -> str:
        words = "a secret" if kind.data_of else ""
        event = kind(id=new_id(), version=1, user_id=user_id, words=words)
        envelope = Envelope.wrap("/other", event)
        receive(database, subscriptions, envelope.model_dump_json().encode())
        with database.transaction() as session:
            mine = inbox.c.event_id == envelope.id
            session.execute(update(inbox).where(mine).values({"state": "retry"} | fields))
        return envelope.id

    return make


def test_failed_events_are_blanked(
    database: Database, refuse: Callable[..., str], user_id: str
) -> None:
    mine = {refuse(user_id), refuse(user_id, state="dead")}
    others = refuse(new_id())
    with database.transaction() as session:
        assert purge_envelopes(session, user_id) == 2
        assert purge_envelopes(session, user_id) == 0
        blank = select(inbox.c.event_id).where(inbox.c.state == "done", inbox.c.envelope.is_(None))
        assert set(session.scalars(blank)) == mine
        kept = session.execute(text("SELECT event_id FROM inbox WHERE last_error LIKE '%secret%'"))
        assert kept.scalars().all() == [others]


def test_failed_deletions_are_still_to_be_applied(
    database: Database, refuse: Callable[..., str], user_id: str
) -> None:
    """They are what removes a read model's rows, and hold no more than ids."""
    waits = refuse(user_id, NoteDeleted, next_at=utcnow())
    dead = refuse(user_id, NoteDeleted, state="dead")
    lost = refuse(user_id)
    with database.transaction() as session:
        assert purge_envelopes(session, user_id) == 1
        assert replay_dead(session, [dead, lost]) == [dead]
    applied = Subscriptions()
    gone: list[str] = []

    @applied.on(NoteDeleted.event_type, Event)
    def bury(_session: Session, event: Event) -> None:
        gone.append(event.id)

    assert retry_due(database, applied) == 2
    assert len(gone) == 2
    with database.reading() as session:
        states = {fate.event_id: fate.state for fate in fates(session, [waits, dead])}
    assert states == {waits: "applied", dead: "applied"}


def test_envelopes_go_batch_by_batch(database: Database, user_id: str) -> None:
    _write(database, user_id, 5)
    gone: list[int] = []
    while not gone or gone[-1]:
        with database.transaction() as session:
            gone.append(purge_envelopes(session, user_id, limit=2))
    assert gone == [2, 2, 1, 0]
