"""What operators ask of the bus and change in it, each a small step in a session."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from common.db import Database, db_time
from common.events.outbox import Routes
from common.events.tables import inbox, outbox, outbox_delivery

BATCH = 500
"""Rows that one transaction changes: relays and consumers go on in between."""

REPLAYABLE = timedelta(days=14) - timedelta(hours=1)
"""Older events may be pruned at any moment, and a delivery must never lose its event."""


@dataclass(frozen=True)
class Backlog:
    """What one subscriber has not acknowledged; ages in seconds."""

    subscriber: str
    undelivered: int
    oldest_age: float
    """Since the oldest undelivered event was emitted."""
    relay_lag: float
    """How long the delivery that waits longest to be put on its queue has waited.

    Since the event was emitted if it never was published, else since its resend fell due.
    """


@dataclass(frozen=True)
class Replayed:
    """What a batch of a replay did."""

    event_ids: list[str]
    inserted: int
    """Deliveries made anew; the other events still had theirs, which is due at once now."""


def backlogs_of(session: Session, service: str, routes: Routes) -> list[Backlog]:
    """Return the backlog of each subscriber of a service, also of those that lack nothing."""
    backlogs = {found.subscriber: found for found in delivery_backlogs(session)}
    for name in subscribers_of(service, routes):
        backlogs.setdefault(name, Backlog(name, 0, 0.0, 0.0))
    return [backlogs[name] for name in sorted(backlogs)]


def subscribers_of(service: str, routes: Routes) -> dict[str, list[str]]:
    """Return which services listen to a service, each with the event types that it gets."""
    types: dict[str, list[str]] = {}
    for event_type, names in routes.items():
        for name in names:
            if event_type.startswith(f"{service}.") and name != "external":
                types.setdefault(name, []).append(event_type)
    return types


def delivery_backlogs(session: Session) -> list[Backlog]:
    """Return the backlog of each subscriber that has one, in one scan of the deliveries."""
    now, delivery = db_time(session), outbox_delivery.c
    never_published = case((delivery.attempts == 0, delivery.event_id))
    resend_due = case(((delivery.attempts > 0) & (delivery.next_at <= now), delivery.next_at))
    rows = session.execute(
        select(
            delivery.subscriber,
            func.count().label("undelivered"),
            # Ids sort by time: no join of the whole backlog for the oldest one.
            func.min(delivery.event_id).label("oldest"),
            func.min(never_published).label("unpublished"),
            func.min(resend_due).label("due_since"),
        )
        .group_by(delivery.subscriber)
        .order_by(delivery.subscriber)
    ).all()
    ids = {event_id for row in rows for event_id in (row.oldest, row.unpublished) if event_id}
    emitted = select(outbox.c.event_id, outbox.c.created_at).where(outbox.c.event_id.in_(ids))
    emitted_at = {row.event_id: row.created_at for row in session.execute(emitted)}

    def age(since: datetime | None) -> float:
        return max(0.0, (now - since).total_seconds()) if since else 0.0

    return [
        Backlog(
            row.subscriber,
            row.undelivered,
            age(emitted_at.get(row.oldest)),
            max(age(emitted_at.get(row.unpublished)), age(row.due_since)),
        )
        for row in rows
    ]


def inbox_counts(session: Session) -> dict[str, int]:
    """Return how many events wait for another try (`retry`) and how many are given up (`dead`)."""
    counts = dict.fromkeys(("retry", "dead"), 0)
    grouped = select(inbox.c.state, func.count()).where(inbox.c.state.in_(counts))
    for state, count in session.execute(grouped.group_by(inbox.c.state)):
        counts[state] = count
    return counts


def replay(
    database: Database, subscriber: str, types: Sequence[str], since: datetime
) -> Iterator[Replayed]:
    """Deliver the events of these types since then to a subscriber again, a batch at a time.

    Only what the outbox is sure to keep (REPLAYABLE). What the subscriber has noted as done it
    only acknowledges.
    """
    with database.reading() as session:
        until = db_time(session)
    after = (max(since, until - REPLAYABLE), "")
    while True:
        with database.transaction() as session:
            events = session.execute(_emitted(types, after, until)).all()
            ids = [row.event_id for row in events]
            batch = Replayed(ids, _deliver_again(session, subscriber, ids))
        if not events:
            return
        yield batch
        after = (events[-1].created_at, events[-1].event_id)


def _emitted(
    types: Sequence[str], after: tuple[datetime, str], until: datetime
) -> Select[tuple[str, datetime]]:
    created_at, event_id = outbox.c.created_at, outbox.c.event_id
    return (
        select(event_id, created_at)
        .where(
            outbox.c.type.in_(types),
            created_at.between(after[0], until),
            or_(created_at > after[0], event_id > after[1]),
        )
        .order_by(created_at, event_id)
        .limit(BATCH)
        # Erasure may be about to remove them.
        .with_for_update()
    )


def _deliver_again(session: Session, subscriber: str, event_ids: Sequence[str]) -> int:
    delivery, now = outbox_delivery.c, db_time(session)
    mine = (delivery.subscriber == subscriber) & delivery.event_id.in_(event_ids)
    waiting = set(session.execute(select(delivery.event_id).where(mine)).scalars())
    session.execute(update(outbox_delivery).where(mine).values(next_at=now))
    # They were published before, which is what a relay counts as a resend.
    again = [
        {"event_id": event_id, "subscriber": subscriber, "next_at": now, "attempts": 1}
        for event_id in event_ids
        if event_id not in waiting
    ]
    if again:
        session.execute(insert(outbox_delivery), again)
    return len(again)
