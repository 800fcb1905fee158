"""The producing end: events are written with the change they tell of, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml
from sqlalchemy import ColumnElement, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from common.db import Database, after_commit, db_now, db_time
from common.events.envelope import Envelope, Event
from common.events.nudge import Nudge
from common.events.tables import outbox, outbox_delivery
from common.settings import ServiceSettings

Routes = Mapping[str, Sequence[str]]
"""Event type → subscribing services; `external` stands for readers outside Antiphon."""

_LONGEST_LEASE = timedelta(hours=1)


@dataclass(frozen=True)
class Delivery:
    """One event on its way to a subscriber."""

    event_id: str
    body: str
    attempts: int
    """How often it was published before."""


@dataclass(frozen=True)
class Outbox:
    """What a service's sessions carry so that `emit` knows whom to tell."""

    source: str
    routes: Routes
    nudge: Nudge | None = None

    def add(self, session: Session, event: Event) -> str:
        """Write the event and a delivery per subscriber; return the event's id."""
        if event.event_type not in self.routes:
            raise LookupError(f"{event.event_type} has no entry in contracts/subscribers.yaml")
        envelope = Envelope.wrap(self.source, event)
        session.execute(
            insert(outbox).values(
                event_id=envelope.id,
                type=envelope.type,
                subject=envelope.subject,
                version=event.version,
                user_id=getattr(event, event.data_of) if event.data_of else None,
                envelope=envelope.model_dump_json(),
                created_at=db_now(),
            )
        )
        subscribers = [name for name in self.routes[event.event_type] if name != "external"]
        for subscriber in subscribers:
            session.execute(
                insert(outbox_delivery).values(
                    event_id=envelope.id, subscriber=subscriber, next_at=db_now(), attempts=0
                )
            )
        if subscribers and self.nudge:
            after_commit(session, self.nudge.send)
        return envelope.id


def emit(session: Session, event: Event) -> str:
    """Publish `event` if and when this transaction commits; return the event's id."""
    carried: Outbox = session.info["outbox"]
    return carried.add(session, event)


def open_database(service: str, settings: ServiceSettings, **carried: object) -> Database:
    """Open a service's schema; its sessions carry the outbox and what else is given."""
    nudge = Nudge(settings.cache_url, service)
    outbox = Outbox(f"/{service}", load_routes(settings.contracts_dir), nudge)
    return Database(settings.database_url, info={"outbox": outbox, **carried})


def load_routes(contracts_dir: Path) -> Routes:
    """Read `subscribers.yaml`; raises OSError when the folder has none."""
    routes: Routes = yaml.safe_load((contracts_dir / "subscribers.yaml").read_text())
    return routes


def due_subscribers(session: Session) -> list[str]:
    """Return to whom there is something to publish; a plain read, so that pollers do not lock."""
    first_due = func.min(outbox_delivery.c.next_at)
    by_subscriber = select(outbox_delivery.c.subscriber, first_due.label("at")).group_by(
        outbox_delivery.c.subscriber
    )
    now = db_time(session)
    return [row.subscriber for row in session.execute(by_subscriber) if row.at <= now]


def claim_deliveries(
    session: Session, subscriber: str, lease: timedelta, limit: int
) -> list[Delivery]:
    """Take due deliveries and push their next attempt out, twice as far each time.

    Two relays never get the same row: SKIP LOCKED on MySQL, one writer at a time on SQLite.
    """
    now = db_time(session)
    due = session.execute(
        select(outbox_delivery.c.event_id, outbox_delivery.c.attempts)
        .where(outbox_delivery.c.subscriber == subscriber, outbox_delivery.c.next_at <= now)
        .order_by(outbox_delivery.c.next_at, outbox_delivery.c.event_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for attempts in {row.attempts for row in due}:
        ids = [row.event_id for row in due if row.attempts == attempts]
        wait = min(lease * 2 ** min(attempts, 20), _LONGEST_LEASE)
        claimed = {"next_at": now + wait, "attempts": attempts + 1}
        session.execute(update(outbox_delivery).where(_to(subscriber, ids)).values(**claimed))
    bodies = select(outbox.c.event_id, outbox.c.envelope).where(
        outbox.c.event_id.in_([row.event_id for row in due])
    )
    envelopes = {row.event_id: row.envelope for row in session.execute(bodies)}
    return [Delivery(row.event_id, envelopes[row.event_id], row.attempts) for row in due]


def postpone(
    session: Session, subscriber: str, deliveries: Sequence[Delivery], wait: timedelta
) -> None:
    """Take back a claim that could not be published: not a resend, so it does not count as one."""
    ids = [delivery.event_id for delivery in deliveries]
    session.execute(
        update(outbox_delivery)
        .where(_to(subscriber, ids))
        .values(next_at=db_time(session) + wait, attempts=outbox_delivery.c.attempts - 1)
    )


def acknowledge(session: Session, subscriber: str, event_ids: Sequence[str]) -> None:
    """Forget deliveries that the subscriber has committed."""
    session.execute(delete(outbox_delivery).where(_to(subscriber, event_ids)))


def _to(subscriber: str, event_ids: Sequence[str]) -> ColumnElement[bool]:
    return (outbox_delivery.c.subscriber == subscriber) & outbox_delivery.c.event_id.in_(event_ids)


def prune_outbox(session: Session, keep: timedelta = timedelta(days=14), limit: int = 500) -> int:
    """Delete a small batch of old events that everybody has; return how many."""
    waiting = exists().where(outbox_delivery.c.event_id == outbox.c.event_id)
    old = (
        select(outbox.c.event_id)
        .where(outbox.c.created_at < db_time(session) - keep, ~waiting)
        .limit(limit)
    )
    ids = session.execute(old).scalars().all()
    session.execute(delete(outbox).where(outbox.c.event_id.in_(ids)))
    return len(ids)
