"""The bus: an outbox and an inbox make kombu over Redis deliver each event once, whatever dies."""

from common.events.envelope import Envelope, Event
from common.events.outbox import Outbox, emit, load_routes, open_database
from common.events.projection import Projection, apply_version
from common.events.subscriptions import Subscriptions

__all__ = [
    "Envelope",
    "Event",
    "Outbox",
    "Projection",
    "Subscriptions",
    "apply_version",
    "emit",
    "load_routes",
    "open_database",
]
