"""Events that no handler can apply, and messages that are no events at all."""

import time

import kombu
from sqlalchemy import delete, select, update
from tests.faults import choir as service
from tests.faults.harness import Choir, wait_for
from tests.faults.scale import Scale
from tests.faults.tally import Tally

from common.db import db_time, new_id
from common.events import emit
from common.events.tables import inbox
from common.settings import kombu_url

_BACK_SECONDS = 5
_ATTEMPTS = 8
_GARBAGE = {
    "application/json": b"\xff not an event",
    "application/x-python-serialize": b"\x80 not a pickle",
}


def test_poison_garbage_and_a_wrong_schema(choir: Choir, scale: Scale, tally: Tally) -> None:
    (bad,) = choir.sing(1)
    choir.poison(bad)
    with choir.producer.transaction() as session:
        wrong = emit(session, service.NoteSungWrongly(id=new_id(), version=1))
    choir.start("choir")
    consumer = choir.start("echo")
    wait_for(lambda: choir.inbox_states() == {"retry": 2}, 30)
    slowest = _send_garbage(choir)
    others = choir.applied()
    choir.sing(scale.events)
    choir.wait_until_delivered()
    assert choir.applied() - others == scale.events
    _hasten_retries(choir)
    assert _attempts(choir) == [_ATTEMPTS, _ATTEMPTS]
    assert choir.inbox_states()["dead"] == 2 + len(_GARBAGE)
    _replay_healed(choir)
    note = f"dead after {_ATTEMPTS}, consumer back in {slowest:.1f} s, replayed once"
    choir.settle(tally, 14, "poison, garbage and a wrong schema", note=note)
    assert _state(choir, wrong) == "dead"
    assert consumer.poll() is None


def _send_garbage(choir: Choir) -> float:
    """Send all that nobody can read, a good note after each; return the longest a note took."""
    slowest = 0.0
    with kombu.Connection(kombu_url(choir.redis.broker_url)) as connection:
        producer = kombu.Producer(connection)
        producer.publish(b"\xff garbage", routing_key="choir.acks")
        for content_type, body in _GARBAGE.items():
            producer.publish(body, routing_key="echo.events", content_type=content_type)
            slowest = max(slowest, _seconds_for_a_note(choir))
    client = choir.redis.client()
    client.lpush("echo.events", b"\xff not even a message of kombu's")
    client.close()
    return max(slowest, _seconds_for_a_note(choir))


def _seconds_for_a_note(choir: Choir) -> float:
    before, started = choir.applied(), time.monotonic()
    choir.sing(1)
    wait_for(lambda: choir.applied() == before + 1, _BACK_SECONDS)
    return time.monotonic() - started


def _hasten_retries(choir: Choir) -> None:
    """Let no failed event wait for its time, which doubles up to an hour."""

    def all_dead() -> bool:
        with choir.consumer().reading() as session:
            waiting = select(inbox.c.event_id).where(inbox.c.state == "retry")
            event_ids = session.execute(waiting).scalars().all()
        for event_id in event_ids:
            # By key, as the worker does: by state, the two could wait for each other.
            with choir.consumer().transaction() as session:
                mine = update(inbox).where(inbox.c.event_id == event_id)
                session.execute(mine.values(next_at=db_time(session)))
        return not event_ids

    wait_for(all_dead, 60, lambda: f"{choir.inbox_states()}")


def _replay_healed(choir: Choir) -> None:
    """Mend the handler, and set the dead events of its type back as docs/operations.md says."""
    applied = choir.applied()
    with choir.consumer().transaction() as session:
        session.execute(delete(service.poison))
        dead = (inbox.c.state == "dead") & (inbox.c.type == service.NOTE)
        values = {"state": "retry", "next_at": db_time(session)}
        session.execute(update(inbox).where(dead).values(values))
    wait_for(lambda: "retry" not in choir.inbox_states(), 30, lambda: f"{choir.inbox_states()}")
    assert choir.applied() == applied + 1


def _attempts(choir: Choir) -> list[int]:
    dead = (inbox.c.state == "dead") & (inbox.c.type == service.NOTE)
    with choir.consumer().reading() as session:
        return list(session.execute(select(inbox.c.attempts).where(dead)).scalars())


def _state(choir: Choir, event_id: str) -> str:
    with choir.consumer().reading() as session:
        state = select(inbox.c.state).where(inbox.c.event_id == event_id)
        return str(session.execute(state).scalar_one())
