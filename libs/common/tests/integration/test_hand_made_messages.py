"""What nobody's producer sends: it must neither stop a worker nor be lost without a note."""

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import orjson
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from common.db import Database, db_time, new_id
from common.events import Event, Outbox, Subscriptions, emit
from common.events.bus import KombuBus
from common.events.inbox import receive, retry_due
from common.events.tables import inbox, outbox_delivery
from common.events.worker import Worker
from common.testing.schemas import MakeSchema

SUNG = "choir.note.sung.v1"


class Sung(Event):
    event_type: ClassVar = SUNG
    subject_kind: ClassVar = "note"


class LongError(Exception):
    def __repr__(self) -> str:
        return "ä" * 9_000_000


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    # Any service's schema has the tables of the bus.
    database = Database(make_schema("auth"), info={"outbox": Outbox("/choir", {SUNG: ["east"]})})
    yield database
    database.dispose()


def _message(**fields: Any) -> bytes:
    usual = {
        "id": new_id(),
        "source": "/choir",
        "type": SUNG,
        "subject": "note/1",
        "time": "2026-11-23T10:00:00Z",
        "dataschema": "/x",
        "sequence": "1",
        "data": {"id": "1", "version": 1},
    }
    return orjson.dumps(usual | fields)


def _rows(database: Database) -> list[Any]:
    with database.reading() as session:
        return list(session.execute(select(inbox).order_by(inbox.c.received_at)))


@pytest.mark.parametrize("event_id", ["", "x" * 37, "ä", "a b", "a\n", "\0", "😀" * 36])
def test_an_event_with_an_impossible_id_is_buried(database: Database, event_id: str) -> None:
    body = _message(id=event_id)
    for _ in range(2):
        assert receive(database, Subscriptions(), body) is None
    (row,) = _rows(database)
    assert (row.state, row.type, row.envelope) == ("dead", "unknown", body.decode())


@pytest.mark.parametrize(
    "source",
    ["", "/", "choir", "//choir", "/Choir", "/a/b", "/ä", "/a b", "/choir\n", "/" + "a" * 41],
)
def test_an_event_of_nobody_who_could_hear_of_it_is_buried(database: Database, source: str) -> None:
    """Acknowledgements go to a queue with the source's name."""
    assert receive(database, Subscriptions(), _message(source=source)) is None
    (row,) = _rows(database)
    assert (row.state, row.type) == ("dead", "unknown")


@pytest.mark.parametrize(
    "event_id", ["01a22432-9d2a-7795-8e91-9e4d86f6fec8", "a", "!" * 36, "order-7/line~2"]
)
def test_any_short_text_is_an_id(database: Database, event_id: str) -> None:
    envelope = receive(database, Subscriptions(), _message(id=event_id, source="/solo-voice_2"))
    assert envelope is not None
    assert envelope.producer == "solo-voice_2"
    (row,) = _rows(database)
    assert (row.event_id, row.state) == (event_id, "retry")


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "ä" * 200, "subject": "😀" * 500},
        {"time": "2026-11-23T10:00:00", "sequence": "ä" * 500, "dataschema": "ä" * 500},
        {"traceparent": "ä" * 500, "tracestate": "\0"},
        {"data": {"deep": orjson.loads("[" * 150 + "]" * 150), "many": 2**63, "nul": "\0"}},
    ],
)
def test_what_cannot_be_applied_is_noted_whatever_it_says(
    database: Database, fields: dict[str, Any]
) -> None:
    assert receive(database, Subscriptions(), _message(**fields)) is not None
    (row,) = _rows(database)
    assert row.state == "retry"


def test_what_is_too_long_to_be_stored_is_cut_and_buried(database: Database) -> None:
    body = _message(data={"id": "1", "version": 1, "noise": "\\" * 9_000_000})
    assert receive(database, Subscriptions(), body) is None
    assert receive(database, Subscriptions(), b"\xff" * 9_000_000) is None
    assert [(row.state, row.type) for row in _rows(database)] == [("dead", "unknown")] * 2


def test_an_error_that_is_too_long_to_be_stored_is_cut(database: Database) -> None:
    subscriptions = Subscriptions()

    @subscriptions.on(SUNG, Sung)
    def fail(_session: Session, _event: Sung) -> None:
        raise LongError

    receive(database, subscriptions, _message())
    (row,) = _rows(database)
    assert row.state == "retry"
    assert row.last_error == "ä" * 10_000


def test_what_a_former_release_took_for_an_event_dies_and_others_go_on(
    database: Database,
) -> None:
    good = receive(database, Subscriptions(), _message())
    assert good is not None
    with database.transaction() as session:
        row: dict[str, Any] = {"event_id": new_id(), "type": SUNG, "subject": "note/1"}
        row |= {"state": "retry", "attempts": 1, "envelope": _message(source="/A").decode()}
        at = db_time(session)
        session.execute(insert(inbox).values(**row, next_at=at, received_at=at))
        session.execute(update(inbox).values(next_at=at))
    subscriptions = Subscriptions()
    subscriptions.on(SUNG, Sung)(lambda _session, _event: None)
    retry_due(database, subscriptions)
    states = {row.event_id: row.state for row in _rows(database)}
    assert states == {good.id: "done", row["event_id"]: "dead"}


@pytest.mark.parametrize(
    "message",
    [
        [],
        None,
        {"subscriber": "east"},
        {"subscriber": "east", "event_ids": "abc"},
        {"subscriber": "east", "event_ids": [1]},
        {"subscriber": "east", "event_ids": [None]},
        {"subscriber": "east", "event_ids": [{"id": 1}]},
        {"subscriber": "east", "event_ids": ["ä"]},
        {"subscriber": "east", "event_ids": ["x" * 37]},
        {"subscriber": ["east"], "event_ids": []},
    ],
)
def test_acknowledgements_that_are_none_are_dropped_and_others_go_on(
    database: Database, broker_url: str, message: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as session:
        event_id = emit(session, Sung(id=new_id(), version=1))
    bus = KombuBus(broker_url, "test")
    good = {"subscriber": "east", "event_ids": [event_id], "later": 1}
    bus.publish("choir.acks", [orjson.dumps(message), orjson.dumps(good)])
    bus.close()
    worker = Worker("choir", database, Subscriptions(), broker_url, broker_url)
    thread = threading.Thread(target=worker.apply_acks)
    thread.start()
    try:
        _wait_until_delivered(database)
    finally:
        worker.stop.set()
        thread.join(10)
    said = capsys.readouterr()
    assert "message_is_no_acknowledgement" in said.out + said.err
    assert "worker_step_failed" not in said.out + said.err


def _wait_until_delivered(database: Database) -> None:
    pause = threading.Event()
    for _ in range(100):
        with database.reading() as session:
            if session.execute(select(outbox_delivery)).first() is None:
                return
        pause.wait(0.05)
    raise AssertionError("the good acknowledgement was not applied")
