"""Redis that dies, forgets, goes back in time, and stays away."""

import time

import pytest
from tests.faults.conftest import MakeChoir
from tests.faults.harness import Choir, finish, new_subjects, wait_for
from tests.faults.scale import Scale, seeded
from tests.faults.tally import Tally

_RESUME_SECONDS = 15
_DRAG_SECONDS = 0.005
"""How long a handler takes: slower than the writer, so that Redis has something to lose."""
_CLAIM = 100
"""How many deliveries a relay may publish after it found the queue just under its limit."""


@pytest.mark.parametrize(
    "redis_server", ["everysec", pytest.param("always", marks=pytest.mark.standard)], indirect=True
)
def test_redis_killed_in_mid_stream(choir: Choir, scale: Scale, tally: Tally) -> None:
    dice = seeded(5, tally.dialect)
    for name in ("choir", "echo", "echo"):
        choir.start(name, DRAG_SECONDS=_DRAG_SECONDS)
    writer = choir.start_writer(new_subjects(scale.events), scale.redis_kills * 2)
    wait_for(lambda: choir.applied() > 0, 30)
    slowest = 0.0
    for _ in range(scale.redis_kills):
        time.sleep(dice.uniform(0.5, 1.5))
        choir.redis.kill()
        time.sleep(dice.uniform(0, 1))
        choir.redis.start()
        slowest = max(slowest, _seconds_to_resume(choir))
    finish(writer, scale.drain_seconds)
    title = f"Redis killed x{scale.redis_kills}, AOF {choir.redis.aof}"
    choir.settle(tally, 5, title, note=f"consumers back in {slowest:.1f} s")


def _seconds_to_resume(choir: Choir) -> float:
    started = time.time()
    choir.sing(1)
    wait_for(lambda: choir.last_received("echo") > started, _RESUME_SECONDS)
    return time.time() - started


@pytest.mark.parametrize("redis_server", ["everysec"], indirect=True)
def test_redis_wiped_and_put_back_in_time(choir: Choir, scale: Scale, tally: Tally) -> None:
    dice = seeded(6, tally.dialect)
    for name in ("choir", "echo", "echo"):
        choir.start(name, DRAG_SECONDS=_DRAG_SECONDS)
    writer = choir.start_writer(new_subjects(scale.events), scale.redis_kills * 2)
    wait_for(lambda: choir.applied() > 0, 30)
    for turn in range(scale.redis_kills):
        choir.redis.remember()
        time.sleep(dice.uniform(0.5, 1.5))
        if turn % 2:
            choir.redis.wipe()
        else:
            choir.redis.rewind()
    finish(writer, scale.drain_seconds)
    choir.settle(tally, 6, f"Redis flushed or its AOF rewound x{scale.redis_kills}")


@pytest.mark.standard
@pytest.mark.longest
def test_redis_away_while_services_write(make_choir: MakeChoir, scale: Scale, tally: Tally) -> None:
    """One subscriber is away too, so that its queue reaches its limit once Redis is back."""
    choir = make_choir("echo", "mute")
    for name in ("choir", "choir", "echo"):
        choir.start(name)
    choir.sing(1)
    wait_for(lambda: choir.applied("echo") == 1, 30)
    choir.redis.kill()
    events = max(scale.events, scale.queue_limit * 5 // 4)
    writer = choir.start_writer(new_subjects(events), scale.outage_seconds * 0.9)
    time.sleep(scale.outage_seconds)
    finish(writer, scale.drain_seconds)
    # What could not be published was no resend, which would back off for longer and longer: only
    # what two relays hold for two subscribers at this moment counts as sent.
    assert choir.sent() <= 4 * _CLAIM
    choir.redis.start()
    resumed = _seconds_to_resume(choir)
    deepest = _deepest_until_delivered(choir, "echo", "mute")
    assert scale.queue_limit < deepest <= scale.queue_limit + 2 * _CLAIM
    choir.start("mute")
    note = f"back in {resumed:.1f} s; the absent subscriber's queue reached {deepest}"
    choir.settle(tally, 8, f"Redis away for {scale.outage_seconds:.0f} s", note=note)


def _deepest_until_delivered(choir: Choir, present: str, absent: str) -> int:
    """Wait until one subscriber has everything and the other's queue is full; return how full."""
    deepest = 0

    def done() -> bool:
        nonlocal deepest
        deepest = max(deepest, choir.redis.depth(f"{absent}.events"))
        return choir.waiting(present) == 0 and deepest > choir.scale.queue_limit

    wait_for(
        done,
        choir.scale.drain_seconds,
        lambda: f"{choir.waiting(present)} undelivered, the other's queue reached {deepest}",
    )
    return deepest
