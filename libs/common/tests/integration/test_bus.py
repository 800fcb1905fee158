from typing import Any

import pytest
import redis

from common.events import bus
from common.events.bus import KombuBus


@pytest.fixture
def server(broker_url: str) -> Any:
    return redis.Redis.from_url(broker_url)


@pytest.fixture
def kombu_bus(broker_url: str) -> Any:
    kombu_bus = KombuBus(broker_url, "test")
    yield kombu_bus
    kombu_bus.close()


def test_publishing_to_empty_queues_takes_no_more_connections(
    kombu_bus: KombuBus, server: Any
) -> None:
    """An empty queue does not exist in Redis: asking for it must not cost a channel each time."""
    kombu_bus.publish("first", [b"{}"])
    before = len(server.client_list())
    for number in range(20):
        kombu_bus.publish(f"queue-{number}", [b"{}"])
    assert len(server.client_list()) == before


def test_a_full_queue_takes_nothing_more(
    kombu_bus: KombuBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "QUEUE_LIMIT", 3)
    assert kombu_bus.publish("queue", [b"1", b"2", b"3", b"4"])
    assert not kombu_bus.publish("queue", [b"5"])
    received: list[bytes] = []
    assert kombu_bus.receive("queue", received.append, seconds=0.5) == 4
    assert received == [b"1", b"2", b"3", b"4"]
    assert kombu_bus.publish("queue", [b"5"])


def test_what_comes_while_closing_is_left_to_the_next(broker_url: str) -> None:
    """Nobody would acknowledge it: its producer would wait for the end of a lease."""
    closing, next_one, publishing = (KombuBus(broker_url, "test") for _ in range(3))
    received: list[bytes] = []
    closing.receive("left", received.append, seconds=0.1)  # its pop goes on
    publishing.publish("left", [b"1"])
    closing.close()
    assert received == []
    assert next_one.receive("left", received.append, seconds=1) == 1
    assert received == [b"1"]
    next_one.close()
    publishing.close()


def test_what_comes_while_publishing_waits_for_the_next_receive(kombu_bus: KombuBus) -> None:
    """RabbitMQ's messages do; who asked last must not get them: it has acknowledged already."""

    class Message:
        body, acknowledged = b"early", False

        def ack(self) -> None:
            self.acknowledged = True

    first: list[bytes] = []
    second: list[bytes] = []
    kombu_bus.receive("early", first.append, seconds=0.1)
    message = Message()
    kombu_bus._on_message(message)
    assert (first, message.acknowledged) == ([], False)
    assert kombu_bus.receive("early", second.append, seconds=0.1) == 1
    assert (first, second, message.acknowledged) == ([], [b"early"], True)
