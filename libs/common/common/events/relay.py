"""Publishing what the outbox holds, to each subscriber as fast as that one takes it."""

import time
from datetime import timedelta

from common.db import Database
from common.events import outbox
from common.events.bus import Bus
from common.metrics import observer

_BATCH = 100
_PAUSE = timedelta(seconds=2)
"""How long a subscriber is left alone after nothing could be published to it."""


class Relay:
    """Claims due deliveries and publishes them. For one thread; there may be many processes."""

    def __init__(self, database: Database, resend_lease: timedelta) -> None:
        self._database = database
        self._resend_lease = resend_lease
        self._paused_until: dict[str, float] = {}

    def publish_due(self, bus: Bus) -> bool:
        """Publish a batch to each subscriber that can take it; say whether more may be due now."""
        with self._database.reading() as session:
            due = outbox.due_subscribers(session)
        now = time.monotonic()
        # One that is away must not hold up the others.
        open_ones = [who for who in due if self._paused_until.get(who, 0.0) <= now]
        published = [self._publish_to(bus, subscriber) for subscriber in open_ones]
        return _BATCH in published

    def _publish_to(self, bus: Bus, subscriber: str) -> int:
        with self._database.transaction() as session:
            claimed = outbox.claim_deliveries(session, subscriber, self._resend_lease, _BATCH)
        if not claimed:  # another relay was faster
            return 0
        taken = False
        try:
            taken = bus.publish(f"{subscriber}.events", [row.body.encode() for row in claimed])
        finally:
            if not taken:  # the queue is full, or the broker is away
                self._pause(subscriber, claimed)
        if taken:
            again = sum(delivery.attempts > 0 for delivery in claimed)
            observer().published(subscriber, len(claimed) - again, again)
        return len(claimed) if taken else 0

    def _pause(self, subscriber: str, claimed: list[outbox.Delivery]) -> None:
        self._paused_until[subscriber] = time.monotonic() + _PAUSE.total_seconds()
        observer().held_back(subscriber, len(claimed))
        with self._database.transaction() as session:
            outbox.postpone(session, subscriber, claimed, _PAUSE)
