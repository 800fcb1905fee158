"""What a round of the relay publishes, and when there is more to do."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from threading import Timer
from typing import ClassVar

import pytest
from sqlalchemy import select

from common.db import Database, new_id
from common.events import Event, Outbox, Subscriptions, emit
from common.events.nudge import Nudge
from common.events.relay import Relay
from common.events.tables import outbox_delivery
from common.events.worker import Worker
from common.testing.schemas import MakeSchema

SUNG = "choir.note.sung.v1"


class Sung(Event):
    event_type: ClassVar = SUNG
    subject_kind: ClassVar = "note"


class MemoryBus:
    """Keeps what is published; takes nothing for the queues in `full`."""

    def __init__(self) -> None:
        self.queues: dict[str, list[bytes]] = defaultdict(list)
        self.full: set[str] = set()

    def publish(self, queue: str, bodies: Iterable[bytes]) -> bool:
        if queue in self.full:
            return False
        self.queues[queue] += bodies
        return True

    def receive(self, queue: str, handle: Callable[[bytes], None], seconds: float) -> int:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    # Any service's schema has the tables of the bus.
    routes = {SUNG: ["east", "west"]}
    database = Database(make_schema("auth"), info={"outbox": Outbox("/choir", routes)})
    yield database
    database.dispose()


@pytest.fixture
def relay(database: Database) -> Relay:
    return Relay(database, timedelta(seconds=60))


def sing(database: Database, notes: int) -> None:
    with database.transaction() as session:
        for _ in range(notes):
            emit(session, Sung(id=new_id(), version=1))


def test_a_round_publishes_what_is_due_to_each_subscriber(
    database: Database, relay: Relay, bus: MemoryBus
) -> None:
    sing(database, 3)
    assert not relay.publish_due(bus)
    assert {queue: len(bodies) for queue, bodies in bus.queues.items()} == {
        "east.events": 3,
        "west.events": 3,
    }
    relay.publish_due(bus)
    assert len(bus.queues["east.events"]) == 3


def test_a_full_batch_means_that_more_may_be_due(
    database: Database, relay: Relay, bus: MemoryBus
) -> None:
    sing(database, 130)
    assert [relay.publish_due(bus) for _ in range(3)] == [True, False, False]
    assert len(set(bus.queues["east.events"])) == 130


def test_a_full_queue_holds_up_no_other_and_counts_as_no_attempt(
    database: Database, relay: Relay, bus: MemoryBus
) -> None:
    bus.full = {"west.events"}
    sing(database, 130)
    while relay.publish_due(bus):
        pass
    assert len(set(bus.queues["east.events"])) == 130
    assert not bus.queues["west.events"]
    west = select(outbox_delivery.c.attempts).where(outbox_delivery.c.subscriber == "west")
    with database.reading() as session:
        assert set(session.scalars(west)) == {0}


def test_one_that_could_take_nothing_is_left_alone_for_a_moment(
    database: Database, relay: Relay, bus: MemoryBus
) -> None:
    bus.full = {"west.events"}
    sing(database, 1)
    relay.publish_due(bus)
    bus.full = set()
    sing(database, 1)
    relay.publish_due(bus)
    assert (len(bus.queues["east.events"]), len(bus.queues["west.events"])) == (2, 0)


def test_however_often_it_is_nudged_a_worker_gathers_between_rounds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[object] = []
    monkeypatch.setattr(Relay, "publish_due", lambda _relay, bus: rounds.append(bus))
    monkeypatch.setattr(Nudge, "wait", lambda _nudge, _seconds: True)
    nowhere = "unix:///nowhere/valkey.sock?db=0"
    worker = Worker("choir", database, Subscriptions(), nowhere, nowhere)
    Timer(0.3, worker.stop.set).start()
    started = time.monotonic()
    worker.relay()
    assert 1 <= len(rounds) <= (time.monotonic() - started) / 0.02 + 1
