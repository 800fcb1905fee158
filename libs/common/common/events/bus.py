"""The transport behind the bus: two methods, so that another broker can take its place."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import kombu

from common.logging import get_logger
from common.settings import kombu_url

log = get_logger(__name__)

QUEUE_LIMIT = 10_000
"""Messages in a queue above which nothing more is published to it: the rest waits in the outbox."""


class Bus(Protocol):
    """Queues of byte messages that may be lost, doubled or reordered. Not for several threads."""

    def publish(self, queue: str, bodies: Iterable[bytes]) -> bool:
        """Put messages on a queue; False, and nothing put, when the queue is over its limit."""

    def receive(self, queue: str, handle: Callable[[bytes], None], seconds: float) -> int:
        """Hand over messages for up to `seconds`; each is removed after `handle` returned.

        Returns how many came. What `handle` raises is raised, and its message comes back later.
        """

    def close(self) -> None:
        """Give back what is held."""


_AMQP = {
    "confirm_publish": True,
    # RabbitMQ stops reading from publishers when its memory or disk is full: do not wait with it.
    "read_timeout": 10,
    "write_timeout": 10,
}


def _redis_options(service: str) -> dict[str, Any]:
    return {
        # kombu's tag space is one hash: shared with a sibling, its ack erases our message.
        "unacked_key": f"antiphon.{service}.unacked",
        "unacked_index_key": f"antiphon.{service}.unacked_index",
        "unacked_mutex_key": f"antiphon.{service}.unacked_mutex",
        # A killed process leaves the mutex behind; the default blocks redelivery for 300 s.
        "unacked_mutex_expire": 10,
        # Longer than any handler may take (10 s).
        "visibility_timeout": 60,
        # The default sweep is every tenth time of every 10 s.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # Half-open sockets must be noticed.
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


class KombuBus:
    """The bus over any kombu transport; tested with Redis and RabbitMQ."""

    def __init__(self, url: str, service: str) -> None:
        self._connection = kombu.Connection(
            kombu_url(url),
            connect_timeout=5,
            transport_options={**_AMQP} if url.startswith("amqp") else _redis_options(service),
        )
        self._channel: Any = None
        self._consumers: dict[str, Any] = {}
        self._handle: Callable[[bytes], None] | None = None
        self._early: list[Any] = []
        self._failure: Exception | None = None
        self._received = 0

    def publish(self, queue: str, bodies: Iterable[bytes]) -> bool:
        """See `Bus`."""
        channel = self._open()
        if self._depth(queue) > QUEUE_LIMIT:
            log.warning("queue_full", queue=queue, limit=QUEUE_LIMIT)
            return False
        producer = kombu.Producer(channel)
        for body in bodies:
            producer.publish(
                body,
                routing_key=queue,
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=2,
            )
        return True

    def receive(self, queue: str, handle: Callable[[bytes], None], seconds: float) -> int:
        """See `Bus`."""
        self._consume(queue)
        self._handle, self._received = handle, 0
        try:
            self._hand_over_early()
            deadline = time.monotonic() + seconds
            while (left := deadline - time.monotonic()) > 0:
                try:
                    self._connection.drain_events(timeout=left)
                except TimeoutError:
                    break
                self._raise_failure()
        finally:
            self._handle = None
        return self._received

    def close(self) -> None:
        """See `Bus`; unacknowledged messages go back to their queue."""
        self._connection.release()

    def _open(self) -> Any:
        if self._channel is None:
            self._channel = self._connection.channel()
        return self._channel

    def _depth(self, queue: str) -> int:
        # Not passive: on Redis an empty queue counts as missing, and each refusal costs a channel.
        declared = self._open().queue_declare(queue=queue, durable=True, auto_delete=False)
        return int(declared.message_count)

    def _consume(self, queue: str) -> None:
        if queue in self._consumers:
            return
        consumer = kombu.Consumer(
            self._open(),
            queues=[kombu.Queue(queue, durable=True)],
            on_message=self._on_message,
            # For RabbitMQ, which would hand its whole queue to who came first. Over Redis each is
            # popped when the one before is handled.
            prefetch_count=20,
        )
        consumer.consume()
        self._consumers[queue] = consumer

    def _on_message(self, message: Any) -> None:
        if self._handle is None:
            # RabbitMQ's come while we publish, Redis' while we close. Who asked last would not be
            # told any more, and the producer would wait for the end of a lease.
            self._early.append(message)
            return
        body = message.body
        try:
            self._handle(body if isinstance(body, bytes) else str(body).encode())
        except Exception as error:
            # Raising through kombu's event loop would skip what it still has to do.
            self._failure = error
            return
        message.ack()
        self._received += 1

    def _hand_over_early(self) -> None:
        while self._early:
            self._on_message(self._early.pop(0))
            self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
