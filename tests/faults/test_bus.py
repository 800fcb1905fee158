"""Nothing is lost and nothing is applied twice, whoever dies when."""

import os
import signal
import subprocess
import threading
import time
from typing import Any

import kombu
import pytest

from common.settings import kombu_url

Choir = Any


def test_two_relays_and_two_consumers_share_a_burst(choir: Choir) -> None:
    for name in ("choir", "choir", "echo", "echo"):
        choir.start(name)
    subjects = choir.sing(300)
    choir.wait_until_delivered()
    choir.assert_each_applied_once(subjects)


def test_consumers_killed_in_mid_stream(choir: Choir) -> None:
    choir.start("choir")
    subjects: list[str] = []
    writer = threading.Thread(target=lambda: subjects.extend(choir.sing(600)))
    writer.start()
    for _ in range(6):
        consumer = choir.start("echo")
        time.sleep(1.0)  # long enough to be in the middle of it
        choir.kill(consumer)
    choir.start("echo")
    writer.join()
    choir.wait_until_delivered(120)
    choir.assert_each_applied_once(subjects)


@pytest.mark.parametrize("publication", [1, 2, 5])
def test_a_relay_killed_between_commit_and_publish(choir: Choir, publication: int) -> None:
    choir.start("echo")
    relay = choir.start("choir", CRASH_BEFORE_PUBLISH=str(publication))
    subjects: list[str] = []
    while relay.poll() is None:
        subjects += choir.sing(20)
    assert relay.returncode == -signal.SIGKILL
    assert choir.waiting() > 0
    choir.start("choir")
    choir.wait_until_delivered()
    choir.assert_each_applied_once(subjects)


def test_redis_killed_and_wiped_in_mid_stream(choir: Choir) -> None:
    choir.start("choir")
    choir.start("echo")
    subjects = choir.sing(100)
    for _ in range(2):
        choir.restart_redis(wiped=True)
        subjects += choir.sing(100)
    choir.wait_until_delivered(120)
    choir.assert_each_applied_once(subjects)


def test_a_consumer_stopped_while_it_waits_and_then_killed(choir: Choir) -> None:
    """The pop from Redis happens in the stopped process: the message is lost with it."""
    choir.start("choir")
    consumer = choir.start("echo")
    subjects = choir.sing(1)
    choir.wait_until_delivered()
    os.kill(consumer.pid, signal.SIGSTOP)
    subjects += choir.sing(5)
    time.sleep(1.5)
    choir.kill(consumer)
    choir.start("echo")
    choir.wait_until_delivered()
    choir.assert_each_applied_once(subjects)


def test_an_outage_of_the_broker_ends_when_the_broker_is_back(choir: Choir) -> None:
    """Claims that could not be published are no resends: they must not back off for minutes."""
    choir.start("echo")
    choir.start("choir")
    choir.stop_redis()
    subjects = choir.sing(20)
    time.sleep(8)
    choir.start_redis()
    started = time.monotonic()
    choir.wait_until_delivered(15)
    print(f"delivered {time.monotonic() - started:.1f} s after the broker came back")
    choir.assert_each_applied_once(subjects)


def test_garbage_among_the_acknowledgements_blocks_none(choir: Choir) -> None:
    with kombu.Connection(kombu_url(choir.broker_url)) as connection:
        kombu.Producer(connection).publish(b"\xff garbage", routing_key="choir.acks")
    choir.start("choir")
    choir.start("echo")
    subjects = choir.sing(5)
    choir.wait_until_delivered(10)
    choir.assert_each_applied_once(subjects)


def test_poison_and_garbage_do_not_hold_up_the_others(choir: Choir) -> None:
    (bad,) = choir.sing(1)
    choir.poison(bad)
    with kombu.Connection(kombu_url(choir.broker_url)) as connection:
        kombu.Producer(connection).publish(b"\xff not an event", routing_key="echo.events")
    choir.start("choir")
    consumer: subprocess.Popen[bytes] = choir.start("echo")
    good = choir.sing(50)
    choir.wait_until_delivered()
    assert choir.effects().keys() == set(good)
    states = choir.inbox_states()
    assert states == {"done": 50, "retry": 1, "dead": 1}
    assert consumer.poll() is None
