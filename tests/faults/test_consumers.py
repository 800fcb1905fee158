"""Consumers that die: in mid-stream, while they wait, and while they hold kombu's mutex."""

import signal
import time

import pytest
from tests.faults.harness import Choir, Process, finish, new_subjects, wait_for
from tests.faults.scale import Scale, seeded
from tests.faults.servers import kill
from tests.faults.tally import Tally

_BETWEEN_KILLS = 0.5


def test_consumers_killed_in_mid_stream(choir: Choir, scale: Scale, tally: Tally) -> None:
    dice = seeded(1, tally.dialect)
    choir.start("choir")
    consumers = [choir.start("echo") for _ in range(3)]
    seconds = scale.kills * _BETWEEN_KILLS
    writer = choir.start_writer(new_subjects(scale.events), seconds)
    wait_for(lambda: choir.applied() > 0, 30)
    for _ in range(scale.kills):
        time.sleep(_BETWEEN_KILLS)
        victim = dice.randrange(len(consumers))
        kill(consumers[victim])
        consumers[victim] = choir.start("echo")
    finish(writer, seconds + scale.drain_seconds)
    choir.settle(tally, 1, f"consumer killed x{scale.kills}", within=180)


@pytest.mark.standard
@pytest.mark.calm
def test_a_consumer_stopped_while_it_waits_and_then_killed(
    choir: Choir, scale: Scale, tally: Tally
) -> None:
    """The pop from Redis happens in the stopped process: the message is lost with it."""
    choir.start("choir")
    consumer = choir.start("echo")
    share, popped, slowest = scale.events // scale.stops, 0, 0.0
    for _ in range(scale.stops):
        choir.sing(share)
        choir.wait_until_delivered()
        wait_for(lambda: choir.redis.depth("echo.events") == 0, 30)  # copies that were sent again
        consumer.send_signal(signal.SIGSTOP)
        choir.sing(5)
        sung_at = time.time()
        time.sleep(1.5)  # for the relay to publish them
        popped += 5 - choir.redis.depth("echo.events")
        kill(consumer)
        consumer = choir.start("echo")
        choir.wait_until_delivered(2 * scale.resend_lease_seconds)
        slowest = max(slowest, time.time() - sung_at)
    assert popped >= scale.stops  # or nothing was lost that could be found again
    assert slowest <= 2 * scale.resend_lease_seconds
    title = f"consumer stopped in its pop, then killed x{scale.stops}"
    choir.settle(tally, 2, title, note=f"{popped} popped by the dead, there after {slowest:.1f} s")


@pytest.mark.standard
def test_a_dead_process_holds_the_mutex(choir: Choir, scale: Scale, tally: Tally) -> None:
    """kombu itself must hand out again what a dead consumer held; resending would hide it."""
    bound = scale.visibility_seconds + 15
    choir.start("choir", RESEND_LEASE_SECONDS=3600)
    choir.sing(50)
    _dies(choir.start("echo", CRASH="handler:1"), 30)
    killed_at = time.monotonic()
    _dies(choir.start("echo", CRASH="mutex:1"), scale.visibility_seconds + 10)
    client = choir.redis.client()
    assert client.exists("antiphon.echo.unacked_mutex")
    client.close()
    choir.start("echo")
    choir.wait_until_delivered(bound - (time.monotonic() - killed_at))
    seconds = time.monotonic() - killed_at
    note = f"redelivered {seconds:.1f} s after the first death"
    choir.settle(tally, 16, "killed while it holds kombu's mutex", note=note)


def _dies(process: Process, seconds: float) -> None:
    assert process.wait(seconds) == -signal.SIGKILL
