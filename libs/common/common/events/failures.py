"""Events that a service failed to apply: tried again (`retry`) or given up (`dead`)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from pydantic import ValidationError
from sqlalchemy import func, literal, select, update
from sqlalchemy.orm import Session

from common.db import db_time
from common.events.envelope import Envelope
from common.events.tables import inbox

FailedState = Literal["retry", "dead"]
_DISCARDED = "discarded by an operator: "


@dataclass(frozen=True)
class FailedEvent:
    """An event that a service tries again or has given up, without its envelope."""

    event_id: str
    type: str
    subject: str
    attempts: int
    received_at: datetime
    next_at: datetime | None
    """When it is tried again; None for one that was given up."""
    last_error: str


@dataclass(frozen=True)
class Selection:
    """Which failed events are meant; without any of these, all."""

    event_ids: Sequence[str] = ()
    event_type: str | None = None
    since: datetime | None = None
    """Received at this time or later."""


@dataclass(frozen=True)
class Fate:
    """What has become of an event in a service."""

    event_id: str
    state: str
    """`applied`, `discarded`, `retry` or `dead`."""
    attempts: int
    next_at: datetime


def find_failed(session: Session, state: FailedState, which: Selection) -> list[FailedEvent]:
    """Return the failed events that are meant, oldest first."""
    columns = [inbox.c[field.name] for field in fields(FailedEvent)]
    query = select(*columns).where(inbox.c.state == state)
    if which.event_ids:
        query = query.where(inbox.c.event_id.in_(which.event_ids))
    if which.event_type is not None:
        query = query.where(inbox.c.type == which.event_type)
    if which.since is not None:
        query = query.where(inbox.c.received_at >= which.since)
    return [
        FailedEvent(
            row.event_id,
            row.type,
            row.subject,
            row.attempts,
            row.received_at,
            row.next_at if state == "retry" else None,
            row.last_error or "",
        )
        for row in session.execute(query.order_by(inbox.c.received_at, inbox.c.event_id))
    ]


def fates(session: Session, event_ids: Sequence[str]) -> list[Fate]:
    """Return what has become of these events, of those that a service knows."""
    rows = session.execute(
        select(
            inbox.c.event_id,
            inbox.c.state,
            inbox.c.attempts,
            inbox.c.next_at,
            inbox.c.last_error,
        ).where(inbox.c.event_id.in_(event_ids))
    )
    return [
        Fate(row.event_id, _fate(row.state, row.last_error), row.attempts, row.next_at)
        for row in rows
    ]


def count_known(session: Session, event_ids: Sequence[str]) -> dict[str, int]:
    """Return how many of these events a service has noted as `done`, `retry` or `dead`."""
    counts = dict.fromkeys(("done", "retry", "dead"), 0)
    known = select(inbox.c.state, func.count()).where(inbox.c.event_id.in_(event_ids))
    for state, count in session.execute(known.group_by(inbox.c.state)):
        counts[state] = count
    return counts


def failed_envelope(session: Session, state: FailedState, event_id: str) -> str | None:
    """Return what came, which need not be JSON; None if there is no such failed event."""
    mine = (inbox.c.event_id == event_id) & (inbox.c.state == state)
    return session.execute(select(inbox.c.envelope).where(mine)).scalar_one_or_none()


def replay_dead(session: Session, event_ids: Sequence[str]) -> list[str]:
    """Let dead letters be tried again, as often as new ones; return the ids that will be.

    What is no event at all stays: no handler could ever read it.
    """
    rows = _lock(session, "dead", event_ids)
    readable = [event_id for event_id, envelope in rows if _is_event(envelope)]
    session.execute(
        update(inbox)
        .where(inbox.c.event_id.in_(readable))
        .values(state="retry", attempts=0, next_at=db_time(session))
    )
    return readable


def retry_now(session: Session, event_ids: Sequence[str]) -> list[str]:
    """Let events that wait for another try have it at once; return the ids that will.

    It counts as one of their tries.
    """
    ids = [event_id for event_id, _ in _lock(session, "retry", event_ids)]
    session.execute(update(inbox).where(inbox.c.event_id.in_(ids)).values(next_at=db_time(session)))
    return ids


def discard_dead(session: Session, event_ids: Sequence[str]) -> list[str]:
    """Give dead letters up for good and drop their envelopes; return the ids that it concerned.

    They count as done, so that no copy that may still come is applied.
    """
    ids = [event_id for event_id, _ in _lock(session, "dead", event_ids)]
    note = literal(_DISCARDED) + func.coalesce(inbox.c.last_error, "")
    session.execute(
        update(inbox)
        .where(inbox.c.event_id.in_(ids))
        .values(state="done", envelope=None, last_error=note)
    )
    return ids


def _lock(
    session: Session, state: FailedState, event_ids: Sequence[str]
) -> list[tuple[str, str | None]]:
    mine = inbox.c.event_id.in_(event_ids) & (inbox.c.state == state)
    rows = select(inbox.c.event_id, inbox.c.envelope).where(mine)
    return [
        (row.event_id, row.envelope)
        for row in session.execute(rows.order_by(inbox.c.event_id).with_for_update())
    ]


def _fate(state: str, error: str | None) -> str:
    if state != "done":
        return state
    return "discarded" if (error or "").startswith(_DISCARDED) else "applied"


def _is_event(envelope: str | None) -> bool:
    try:
        Envelope.model_validate_json(envelope or "")
    except ValidationError:
        return False
    return True
