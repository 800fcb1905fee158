"""What waits in the broker: lengths of queues on any kombu transport, more on Redis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import kombu
from kombu.exceptions import ChannelError, KombuError

from common.errors import Unavailable
from common.settings import kombu_url

_SECONDS = 2


@dataclass(frozen=True)
class BrokerState:
    """Messages that wait, by queue, and that consumers hold, by service (only Redis tells)."""

    waiting: dict[str, int]
    unacked: dict[str, int]


def read_broker(url: str, services: Sequence[str], queues: Sequence[str]) -> BrokerState:
    """Ask the broker within seconds; raises Unavailable. A queue that nobody used yet is empty."""
    timeouts = {"socket_timeout": _SECONDS, "socket_connect_timeout": _SECONDS}
    if url.startswith("amqp"):
        timeouts = {"read_timeout": _SECONDS, "write_timeout": _SECONDS}
    connection = kombu.Connection(
        kombu_url(url), connect_timeout=_SECONDS, transport_options=timeouts
    )
    away = (OSError, KombuError, *connection.connection_errors, *connection.channel_errors)
    try:
        with connection:
            connection.ensure_connection(max_retries=0)
            waiting = {queue: _length(connection, queue) for queue in queues}
            return BrokerState(waiting, _unacked(connection, services))
    except away as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(f"The broker does not answer: {reason}") from error


def _length(connection: Any, queue: str) -> int:
    channel = connection.channel()
    try:
        return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except ChannelError:
        return 0
    finally:
        channel.close()


def _unacked(connection: Any, services: Sequence[str]) -> dict[str, int]:
    if connection.transport.driver_type != "redis":
        return {}
    channel = connection.channel()
    # The hashes that `KombuBus` names.
    return {name: int(channel.client.hlen(f"antiphon.{name}.unacked")) for name in services}
