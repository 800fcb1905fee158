"""The consuming end: each event is applied in one transaction with the note that it was."""

import hashlib
import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from pydantic import ValidationError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from common.db import Database, db_time
from common.events.envelope import Envelope, Event
from common.events.tables import inbox
from common.logging import bind_trace, get_logger

log = get_logger(__name__)

MAX_ATTEMPTS = 8
_LONGEST_WAIT = timedelta(hours=1)

E = TypeVar("E", bound=Event)
Handler = Callable[[Session, E], None]


class Subscriptions:
    """Which handler applies which event type; one object per upstream module, joined with `|`."""

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[Session, Envelope], None]] = {}

    def on(self, event_type: str, model: type[E]) -> Callable[[Handler[E]], Handler[E]]:
        """Register a handler that gets the event's data as `model`, the consumer's own copy."""

        def register(handler: Handler[E]) -> Handler[E]:
            def apply(session: Session, envelope: Envelope) -> None:
                handler(session, model.model_validate(envelope.data))

            if event_type in self._handlers:
                raise ValueError(f"{event_type} has two handlers")
            self._handlers[event_type] = apply
            return handler

        return register

    def __or__(self, other: "Subscriptions") -> "Subscriptions":
        joined = Subscriptions()
        joined._handlers = {**self._handlers, **other._handlers}
        return joined

    @property
    def types(self) -> set[str]:
        """The event types that somebody listens to."""
        return set(self._handlers)

    def apply(self, session: Session, envelope: Envelope) -> None:
        """Run the handler of the envelope's type; raises LookupError where there is none."""
        if envelope.type not in self._handlers:
            raise LookupError(f"nothing here listens to {envelope.type}")
        self._handlers[envelope.type](session, envelope)


def receive(database: Database, subscriptions: Subscriptions, body: bytes) -> Envelope | None:
    """Apply a message once; afterwards it is stored as done, retry or dead.

    Returns the envelope to acknowledge, or None for bytes that are no event at all. Raises only if
    nothing could be stored, so that the message must come again.
    """
    try:
        envelope = Envelope.model_validate_json(body)
    except ValidationError as error:
        _bury_garbage(database, body, error)
        return None
    bind_trace(envelope.traceparent, event_id=envelope.id, event_type=envelope.type)
    try:
        with database.transaction() as session:
            if not _is_known(session, envelope.id):
                _store(session, envelope, state="done")
                subscriptions.apply(session, envelope)
    except Exception as error:
        _store_failure(database, envelope, error)
    return envelope


def retry_due(database: Database, subscriptions: Subscriptions, limit: int = 50) -> int:
    """Try failed events again whose time has come; return how many were tried."""
    with database.reading() as session:
        due = select(inbox.c.event_id).where(
            inbox.c.state == "retry", inbox.c.next_at <= db_time(session)
        )
        ids = session.execute(due.order_by(inbox.c.next_at).limit(limit)).scalars().all()
    for event_id in ids:
        _retry(database, subscriptions, event_id)
    return len(ids)


def prune_inbox(session: Session, keep: timedelta = timedelta(days=30), limit: int = 500) -> int:
    """Delete a small batch of old done notes; must outlive the producers' outboxes."""
    old = select(inbox.c.event_id).where(
        inbox.c.received_at < db_time(session) - keep, inbox.c.state == "done"
    )
    ids = session.execute(old.limit(limit)).scalars().all()
    session.execute(delete(inbox).where(inbox.c.event_id.in_(ids)))
    return len(ids)


def _is_known(session: Session, event_id: str) -> bool:
    known = select(inbox.c.event_id).where(inbox.c.event_id == event_id)
    return session.execute(known).first() is not None


def _store(
    session: Session, envelope: Envelope, state: str, error: str | None = None, attempts: int = 0
) -> None:
    now = db_time(session)
    session.execute(
        insert(inbox).values(
            event_id=envelope.id,
            type=envelope.type[:100],
            subject=envelope.subject[:200],
            state=state,
            attempts=attempts,
            next_at=now + _backoff(attempts) if state == "retry" else now,
            last_error=error,
            envelope=None if state == "done" else envelope.model_dump_json(),
            received_at=now,
        )
    )


def _store_failure(database: Database, envelope: Envelope, error: Exception) -> None:
    # A sibling may have applied the same event meanwhile: then this failure is only a duplicate.
    with database.transaction() as session:
        if not _is_known(session, envelope.id):
            log.warning("event_failed", attempts=1, exc_info=error)
            _store(session, envelope, "retry", _describe(error), attempts=1)


def _retry(database: Database, subscriptions: Subscriptions, event_id: str) -> None:
    mine = (inbox.c.event_id == event_id) & (inbox.c.state == "retry")
    attempts = 0
    try:
        with database.transaction() as session:
            row = session.execute(
                select(inbox.c.envelope, inbox.c.attempts)
                .where(mine)
                .with_for_update(skip_locked=True)
            ).first()
            if row is None:  # another worker has it
                return
            attempts = row.attempts + 1
            envelope = Envelope.model_validate_json(row.envelope)
            bind_trace(envelope.traceparent, event_id=envelope.id, event_type=envelope.type)
            subscriptions.apply(session, envelope)
            session.execute(
                update(inbox).where(mine).values(state="done", attempts=attempts, envelope=None)
            )
    except Exception as error:
        dead = attempts >= MAX_ATTEMPTS
        log.warning("event_dead" if dead else "event_failed", attempts=attempts, exc_info=error)
        with database.transaction() as session:
            session.execute(
                update(inbox)
                .where(mine)
                .values(
                    state="dead" if dead else "retry",
                    attempts=attempts,
                    next_at=db_time(session) + _backoff(attempts),
                    last_error=_describe(error),
                )
            )


def _backoff(attempts: int) -> timedelta:
    """1 s, 4 s, 16 s, … up to an hour, ± 20 % so that failures do not march in step."""
    wait = min(timedelta(seconds=4 ** min(max(attempts - 1, 0), 8)), _LONGEST_WAIT)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret


def _describe(error: Exception) -> str:
    """Say what went wrong without repeating the event's data."""
    if isinstance(error, ValidationError):
        return str(error.errors(include_url=False, include_input=False))
    return repr(error)


def _bury_garbage(database: Database, body: bytes, error: ValidationError) -> None:
    event_id = str(uuid.UUID(bytes=hashlib.sha256(body).digest()[:16]))
    log.error("message_is_no_event", event_id=event_id, size=len(body))
    with database.transaction() as session:
        if not _is_known(session, event_id):
            now = db_time(session)
            session.execute(
                insert(inbox).values(
                    event_id=event_id,
                    type="unknown",
                    subject="unknown",
                    state="dead",
                    attempts=1,
                    next_at=now,
                    last_error=_describe(error),
                    envelope=body.decode(errors="replace"),
                    received_at=now,
                )
            )
