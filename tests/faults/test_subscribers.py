"""A subscriber that stays away, and events that come in any order and more than once."""

import random
import time
from collections.abc import Sequence
from datetime import timedelta

import kombu
import pytest
from sqlalchemy import select, update
from tests.faults import choir as service
from tests.faults.conftest import MakeChoir
from tests.faults.harness import Choir, finish, new_subjects, percentile, wait_for
from tests.faults.scale import Scale, seeded
from tests.faults.tally import Tally

from common.db import db_time
from common.events import Event, emit
from common.events.tables import outbox, outbox_delivery
from common.settings import kombu_url

_CLAIM = 100


@pytest.mark.standard
@pytest.mark.calm
@pytest.mark.longest
def test_one_subscriber_away_delays_no_other(
    make_choir: MakeChoir, scale: Scale, tally: Tally
) -> None:
    choir = make_choir("echo", "mute")
    choir.start("choir")
    choir.start("echo")
    choir.sing(1)
    wait_for(lambda: choir.applied("echo") == 1, 30)
    writer = choir.start_writer(new_subjects(scale.events), scale.absence_seconds)
    deepest = 0
    while writer.poll() is None:
        deepest = max(deepest, choir.redis.depth("mute.events"))
        time.sleep(0.2)
    finish(writer, 1)
    wait_for(lambda: choir.waiting("echo") == 0, 30, lambda: f"{choir.waiting('echo')} left")
    middle, high = (percentile(choir.delays("echo"), percent) for percent in (50, 99))
    choir.start("mute")
    title = f"one of two subscribers away for {scale.absence_seconds:.0f} s"
    delay = f"p50 {middle * 1000:.0f} ms, p99 {high * 1000:.0f} ms"
    note = f"the other's delay {delay}; the absent one's queue reached {deepest}"
    choir.settle(tally, 9, title, note=note)
    assert deepest <= scale.queue_limit + _CLAIM
    assert high < 1.0


@pytest.mark.standard
def test_events_shuffled_and_doubled_end_in_the_newest_state(
    choir: Choir, scale: Scale, tally: Tally
) -> None:
    dice = seeded(10, tally.dialect)
    pairs = max(1, scale.events // scale.versions // 2)
    kept, gone = new_subjects(pairs), new_subjects(pairs)
    events = [event for subject in kept for event in _life(subject, scale.versions)]
    for subject in gone:
        events += _life(subject, scale.versions - 1)
        events.append(service.VerseGone(id=subject, version=scale.versions))
    _emit(choir, events)
    _put_on_the_queue(choir, dice)
    _let_relays_claim_in_any_order(choir, dice)
    for _ in range(2):
        choir.start("choir", QUEUE_LIMIT=10 * len(events))
    wait_for(lambda: choir.redis.depth("echo.events") >= 2 * len(events), 60)
    started = time.monotonic()
    for _ in range(3):
        choir.start("echo")
    _wait_until_done(choir, len(events))
    drained = time.monotonic() - started
    # What comes after a deletion must not bring its subject back.
    late = [
        service.VerseChanged(id=subject, version=scale.versions + 1, text="again")
        for subject in gone
    ]
    _emit(choir, late)
    _wait_until_done(choir, len(events) + len(late))
    received = choir.received()
    effects = choir.versions()
    tally.record(
        number=10,
        title=f"{2 * pairs} subjects' {scale.versions} versions each shuffled and doubled",
        committed=len(events) + len(late),
        applied=choir.inbox_states()["done"],
        lost=len(events) + len(late) - len(received),
        twice=sum(len(versions) - len(set(versions)) for versions in effects.values()),
        redelivered=received.total() - len(received),
        drained_seconds=drained,
        note=f"{sum(map(len, effects.values()))} versions were newer when they came",
    )
    assert received.total() >= 2 * len(events)
    assert all(versions == sorted(set(versions)) for versions in effects.values())
    newest = (scale.versions, f"version {scale.versions}", False)
    deleted = (scale.versions, "", True)
    assert choir.verses() == dict.fromkeys(kept, newest) | dict.fromkeys(gone, deleted)


def _life(subject: str, versions: int) -> list[Event]:
    return [
        service.VerseChanged(id=subject, version=version, text=f"version {version}")
        for version in range(1, versions + 1)
    ]


def _emit(choir: Choir, events: Sequence[Event]) -> None:
    with choir.producer.transaction() as session:
        for event in events:
            emit(session, event)


def _put_on_the_queue(choir: Choir, dice: random.Random) -> None:
    """Publish a first copy of everything past the relay, in any order."""
    with choir.producer.reading() as session:
        bodies = list(session.execute(select(outbox.c.envelope)).scalars())
    dice.shuffle(bodies)
    with kombu.Connection(kombu_url(choir.redis.broker_url)) as connection:
        channel = connection.channel()
        channel.queue_declare(queue="echo.events", durable=True, auto_delete=False)
        producer = kombu.Producer(channel)
        for body in bodies:
            producer.publish(body, routing_key="echo.events", content_type="application/json")


def _let_relays_claim_in_any_order(choir: Choir, dice: random.Random) -> None:
    with choir.producer.transaction() as session:
        now = db_time(session)
        for event_id in session.execute(select(outbox_delivery.c.event_id)).scalars().all():
            mine = outbox_delivery.c.event_id == event_id
            when = now - timedelta(seconds=dice.uniform(0, 60))
            session.execute(update(outbox_delivery).where(mine).values(next_at=when))


def _wait_until_done(choir: Choir, events: int) -> None:
    wait_for(
        lambda: choir.inbox_states() == {"done": events} and choir.waiting() == 0,
        choir.scale.drain_seconds,
        lambda: f"{choir.inbox_states()} of {events}, {choir.waiting()} undelivered",
    )
