"""What operators see of the bus and change in it."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from common.db import Database, db_time, new_id, utcnow
from common.errors import Unavailable
from common.events import Event, Outbox, Subscriptions, emit, failures, operations
from common.events.bus import KombuBus
from common.events.failures import Selection
from common.events.inbox import MAX_ATTEMPTS, receive, retry_due
from common.events.operations import REPLAYABLE, Backlog, Replayed
from common.events.queues import read_broker
from common.events.tables import inbox, outbox, outbox_delivery
from common.testing.schemas import MakeSchema

SUNG, HEARD = "choir.note.sung.v1", "choir.note.heard.v1"
ROUTES = {SUNG: ["east", "west"], HEARD: ["east", "external"], "other.note.sung.v1": ["north"]}
HOUR = timedelta(hours=1)


class Sung(Event):
    event_type: ClassVar = SUNG
    subject_kind: ClassVar = "note"


class Heard(Sung):
    event_type: ClassVar = HEARD


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    # Any service's schema has the tables of the bus.
    database = Database(make_schema("auth"), info={"outbox": Outbox("/choir", ROUTES)})
    yield database
    database.dispose()


def _emit(database: Database, event: type[Sung] = Sung, *, age: timedelta | None = None) -> str:
    with database.transaction() as session:
        event_id = emit(session, event(id=new_id(), version=1))
        if age is not None:
            emitted_at = db_time(session) - age
            mine = outbox.c.event_id == event_id
            session.execute(update(outbox).where(mine).values(created_at=emitted_at))
    return event_id


def _set_delivery(database: Database, event_id: str, **values: Any) -> None:
    with database.transaction() as session:
        mine = outbox_delivery.c.event_id == event_id
        session.execute(update(outbox_delivery).where(mine).values(**values))


def _backlogs(database: Database) -> dict[str, Backlog]:
    with database.reading() as session:
        found = operations.backlogs_of(session, "choir", ROUTES)
    return {backlog.subscriber: backlog for backlog in found}


def _deliveries(database: Database) -> dict[tuple[str, str], Any]:
    with database.reading() as session:
        rows = session.execute(select(outbox_delivery)).all()
    return {(row.event_id, row.subscriber): row for row in rows}


def _acknowledge_all(database: Database) -> None:
    with database.transaction() as session:
        session.execute(delete(outbox_delivery))


def _kill(database: Database, *ages: timedelta, event: type[Sung] = Sung) -> list[str]:
    """Receive an event for each age that nobody can apply, and let it die."""
    ids = []
    for age in ages:
        event_id = _emit(database, event)
        with database.reading() as session:
            body = session.execute(
                select(outbox.c.envelope).where(outbox.c.event_id == event_id)
            ).scalar_one()
        receive(database, Subscriptions(), body.encode())
        with database.transaction() as session:
            now = db_time(session)
            values = {"attempts": MAX_ATTEMPTS - 1, "next_at": now, "received_at": now - age}
            session.execute(update(inbox).where(inbox.c.event_id == event_id).values(**values))
        retry_due(database, Subscriptions())
        ids.append(event_id)
    return ids


def _find(database: Database, *arguments: Any) -> list[str]:
    with database.reading() as session:
        found = failures.find_failed(session, "dead", Selection(*arguments))
    return [letter.event_id for letter in found]


def _row(database: Database, event_id: str) -> Any:
    with database.reading() as session:
        return session.execute(select(inbox).where(inbox.c.event_id == event_id)).one()


def test_nothing_to_deliver_is_said_of_each_subscriber(database: Database) -> None:
    assert _backlogs(database) == {name: Backlog(name, 0, 0.0, 0.0) for name in ("east", "west")}


def test_backlogs_tell_old_from_unpublished(database: Database) -> None:
    old, young = _emit(database, age=2 * HOUR), _emit(database, Heard, age=HOUR)
    in_a_minute = utcnow() + timedelta(minutes=1)
    _set_delivery(database, old, attempts=1, next_at=in_a_minute)

    backlogs = _backlogs(database)

    assert (backlogs["east"].undelivered, backlogs["west"].undelivered) == (2, 1)
    assert backlogs["east"].oldest_age == pytest.approx(7200, abs=30)
    # `young` was never published; `old` was, and waits for its acknowledgement.
    assert backlogs["east"].relay_lag == pytest.approx(3600, abs=30)
    assert backlogs["west"].relay_lag == 0.0
    _set_delivery(database, young, attempts=2, next_at=in_a_minute)
    assert _backlogs(database)["east"].relay_lag == 0.0


def test_a_resend_that_nobody_takes_is_lag_since_it_was_due(database: Database) -> None:
    event_id = _emit(database, age=2 * HOUR)
    _set_delivery(database, event_id, attempts=3, next_at=utcnow() - timedelta(minutes=10))
    assert _backlogs(database)["west"].relay_lag == pytest.approx(600, abs=30)


def test_a_subscriber_that_is_no_longer_routed_to_is_still_seen(database: Database) -> None:
    _set_delivery(database, _emit(database, Heard), subscriber="gone")
    assert _backlogs(database)["gone"].undelivered == 1


def test_finds_dead_letters_by_id_type_and_time(database: Database) -> None:
    old, new = _kill(database, 2 * HOUR, timedelta(0))
    (heard,) = _kill(database, HOUR, event=Heard)

    assert _find(database) == [old, heard, new]
    assert _find(database, [new, "nobody"]) == [new]
    assert _find(database, [], SUNG) == [old, new]
    assert _find(database, [], None, utcnow() - 1.5 * HOUR) == [heard, new]
    assert _find(database, [], SUNG, utcnow() - 1.5 * HOUR) == [new]
    with database.reading() as session:
        assert operations.inbox_counts(session) == {"retry": 0, "dead": 3}
        (letter,) = failures.find_failed(session, "dead", Selection([heard]))
        assert "nothing here listens to" in letter.last_error
        assert heard in str(failures.failed_envelope(session, "dead", heard))
        assert failures.failed_envelope(session, "dead", "nobody") is None


def test_a_replayed_dead_letter_is_applied_once_with_all_its_attempts(database: Database) -> None:
    event_id, other = _kill(database, HOUR, HOUR)
    applied: list[str] = []
    mended = Subscriptions()

    @mended.on(SUNG, Sung)
    def sing(_session: Session, event: Event) -> None:
        applied.append(event.id)

    with database.transaction() as session:
        assert failures.replay_dead(session, [event_id, "nobody"]) == [event_id]
        assert failures.replay_dead(session, [event_id]) == []

    assert retry_due(database, Subscriptions()) == 1
    failed = _row(database, event_id)
    assert (failed.state, failed.attempts) == ("retry", 1)
    with database.transaction() as session:
        session.execute(update(inbox).values(next_at=db_time(session)))
    assert retry_due(database, mended) == 1
    assert retry_due(database, mended) == 0
    assert len(applied) == 1
    assert (_row(database, event_id).state, _row(database, other).state) == ("done", "dead")


def test_what_is_no_event_is_not_replayed_and_can_be_discarded(database: Database) -> None:
    receive(database, Subscriptions(), b"this is no event")
    (garbage,) = _find(database)
    with database.transaction() as session:
        assert failures.replay_dead(session, [garbage]) == []
        assert failures.discard_dead(session, [garbage]) == [garbage]
        assert failures.discard_dead(session, [garbage]) == []
    assert _find(database) == []


def test_a_discarded_event_stays_known_but_not_its_content(database: Database) -> None:
    (event_id,) = _kill(database, HOUR)
    with database.transaction() as session:
        failures.discard_dead(session, [event_id])
    row = _row(database, event_id)
    assert (row.state, row.envelope) == ("done", None)
    assert row.last_error.startswith("discarded by an operator: LookupError(")


def test_the_same_garbage_again_is_a_dead_letter_again(database: Database) -> None:
    for _ in range(2):
        receive(database, Subscriptions(), b"this is no event")
    (garbage,) = _find(database)
    with database.transaction() as session:
        failures.discard_dead(session, [garbage])
    receive(database, Subscriptions(), b"this is no event")
    assert _find(database) == [garbage]


def test_an_event_that_waits_for_another_try_can_have_it_now(database: Database) -> None:
    dead, waiting = _kill(database, HOUR, HOUR)
    with database.transaction() as session:
        later = {"state": "retry", "attempts": 3, "next_at": db_time(session) + HOUR}
        session.execute(update(inbox).where(inbox.c.event_id == waiting).values(**later))
    with database.reading() as session:
        (found,) = failures.find_failed(session, "retry", Selection())
        assert (found.event_id, found.attempts) == (waiting, 3)
        assert found.next_at is not None
        assert waiting in str(failures.failed_envelope(session, "retry", waiting))
        assert failures.failed_envelope(session, "retry", dead) is None
    assert retry_due(database, Subscriptions()) == 0

    with database.transaction() as session:
        assert failures.retry_now(session, [waiting, dead, "nobody"]) == [waiting]

    assert retry_due(database, Subscriptions()) == 1
    assert _row(database, waiting).attempts == 4
    assert _row(database, dead).state == "dead"


def test_tells_what_has_become_of_an_event(database: Database) -> None:
    dead, discarded, applied = _kill(database, HOUR, HOUR, HOUR)
    with database.transaction() as session:
        failures.discard_dead(session, [discarded])
        session.execute(
            update(inbox).where(inbox.c.event_id == applied).values(state="done", last_error=None)
        )
    with database.reading() as session:
        found = failures.fates(session, [dead, discarded, applied, "nobody"])
    assert {fate.event_id: fate.state for fate in found} == {
        dead: "dead",
        discarded: "discarded",
        applied: "applied",
    }


def _replay(
    database: Database, subscriber: str, types: list[str], age: timedelta
) -> list[Replayed]:
    return list(operations.replay(database, subscriber, types, utcnow() - age))


def test_a_replay_delivers_again_what_was_emitted_since(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "BATCH", 2)
    before = _emit(database, age=3 * HOUR)
    lost = [_emit(database, age=HOUR - timedelta(minutes=n)) for n in range(3)]
    heard = _emit(database, Heard, age=HOUR / 2)
    _acknowledge_all(database)
    waiting = _emit(database)
    in_an_hour = utcnow() + HOUR
    _set_delivery(database, waiting, attempts=4, next_at=in_an_hour)

    batches = _replay(database, "west", [SUNG], 2 * HOUR)

    assert [batch.event_ids for batch in batches] == [lost[:2], [lost[2], waiting]]
    assert [batch.inserted for batch in batches] == [2, 1]
    found = _deliveries(database)
    to_west = {event_id for event_id, subscriber in found if subscriber == "west"}
    assert to_west == {*lost, waiting}
    assert not to_west & {before, heard}
    assert all(found[event_id, "west"].next_at <= utcnow() for event_id in to_west)
    assert found[waiting, "west"].attempts == 4
    # The relay counts it as a resend, and its lag is measured from now.
    assert {found[event_id, "west"].attempts for event_id in lost} == {1}
    assert _backlogs(database)["west"].relay_lag < 60
    assert found[waiting, "east"].next_at > utcnow()


def test_a_replay_misses_no_event_of_the_same_moment(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "BATCH", 2)
    ids = [_emit(database) for _ in range(5)]
    with database.transaction() as session:
        session.execute(update(outbox).values(created_at=db_time(session) - HOUR))
    _acknowledge_all(database)
    batches = _replay(database, "west", [SUNG], 2 * HOUR)
    assert [event_id for batch in batches for event_id in batch.event_ids] == ids


def test_a_replay_again_adds_nothing(database: Database) -> None:
    _emit(database, age=HOUR)
    _acknowledge_all(database)
    assert [batch.inserted for batch in _replay(database, "west", [SUNG], 2 * HOUR)] == [1]
    assert [batch.inserted for batch in _replay(database, "west", [SUNG], 2 * HOUR)] == [0]
    assert _replay(database, "west", [HEARD], 2 * HOUR) == []


def test_a_replay_leaves_alone_what_may_be_pruned_meanwhile(database: Database) -> None:
    _emit(database, age=REPLAYABLE + HOUR)
    kept = _emit(database, age=REPLAYABLE - HOUR)
    _acknowledge_all(database)
    (batch,) = _replay(database, "west", [SUNG], 10 * REPLAYABLE)
    assert batch.event_ids == [kept]


def test_counts_what_a_subscriber_knows_already(database: Database) -> None:
    dead, done = _kill(database, HOUR, HOUR)
    with database.transaction() as session:
        failures.discard_dead(session, [done])
        assert failures.count_known(session, [dead, done, "nobody"]) == {
            "done": 1,
            "retry": 0,
            "dead": 1,
        }


def test_a_broker_tells_what_waits_and_what_is_held(broker_url: str) -> None:
    holder = KombuBus(broker_url, "east")
    holder.publish("east.events", [b"1", b"2", b"3"])

    def look(_body: bytes) -> None:
        held.append(read_broker(broker_url, ["east", "west"], ["east.events", "west.events"]))
        raise InterruptedError

    held: list[Any] = []
    assert read_broker(broker_url, ["east"], ["east.events"]).waiting == {"east.events": 3}
    with pytest.raises(InterruptedError):
        holder.receive("east.events", look, 5)
    holder.close()

    (state,) = held
    assert state.unacked["east"] == 3 - state.waiting["east.events"] > 0
    assert (state.waiting["west.events"], state.unacked["west"]) == (0, 0)


@pytest.mark.parametrize(
    "url", ["unix:///nowhere?db=0", "redis://127.0.0.1:1/0", "amqp://127.0.0.1:1/"]
)
def test_a_broker_that_is_away_is_said_so_soon(url: str) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        read_broker(url, ["east"], ["east.events"])
    assert time.monotonic() - began < 1


def test_a_broker_that_hangs_is_said_so_in_time() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            read_broker(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0", ["east"], ["east.events"])
        assert 1 < time.monotonic() - began < 3
