"""The consuming end: each event is applied in one transaction with the note that it was."""

import hashlib
import random
import uuid
from contextlib import AbstractContextManager
from datetime import timedelta

from pydantic import ValidationError
from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from common.db import Database, db_now, db_time, utcnow
from common.events.envelope import Envelope
from common.events.subscriptions import Subscriptions
from common.events.tables import inbox
from common.logging import get_logger
from common.metrics import observer
from common.tracing import Span, trace

log = get_logger(__name__)

MAX_ATTEMPTS = 8
_LONGEST_WAIT = timedelta(hours=1)
# A note has room for 16 MiB; escaping on the way there makes a text up to four times as long.
_LONGEST_MESSAGE = 2 * 2**20
_LONGEST_ERROR = 10_000


def receive(database: Database, subscriptions: Subscriptions, body: bytes) -> Envelope | None:
    """Apply a message once; afterwards it is stored as done, retry or dead.

    What is longer than 2 MiB is cut there, which makes it no event. Returns the envelope to
    acknowledge, or None for bytes that are no event at all. Raises only if nothing could be stored,
    so that the message must come again.
    """
    body = body[:_LONGEST_MESSAGE]
    try:
        envelope = Envelope.model_validate_json(body)
    except ValidationError as error:
        _bury_garbage(database, body, error)
        return None
    with _tracing(envelope) as span:
        try:
            with database.transaction() as session:
                is_new = not _is_known(session, envelope.id)
                if is_new:
                    _store(session, envelope, state="done")
                    subscriptions.apply(session, envelope)
            _observe(envelope, is_new=is_new)
        except Exception as error:
            _store_failure(database, envelope, error)
            span.fail(error)
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
    again_at = db_time(session) + _backoff(attempts) if state == "retry" else db_now()
    session.execute(
        insert(inbox).values(
            event_id=envelope.id,
            type=envelope.type[:100],
            subject=envelope.subject[:200],
            state=state,
            attempts=attempts,
            next_at=again_at,
            last_error=error,
            envelope=None if state == "done" else envelope.model_dump_json(),
            received_at=db_now(),
        )
    )


def _store_failure(database: Database, envelope: Envelope, error: Exception) -> None:
    # A sibling may have applied the same event meanwhile: then this failure is only a duplicate.
    with database.transaction() as session:
        if not _is_known(session, envelope.id):
            _log_failure("event_failed", 1, error)
            _store(session, envelope, "retry", _describe(error), attempts=1)
            observer().failed(envelope.type, dead=False)


def _retry(database: Database, subscriptions: Subscriptions, event_id: str) -> None:
    with database.reading() as session:
        row = session.execute(select(inbox.c.envelope).where(_waiting(event_id))).first()
    if row is None:  # another worker was faster
        return
    try:
        envelope = Envelope.model_validate_json(row.envelope)
    except ValidationError as error:  # a former release took it for one
        _give_up(database, event_id, error)
        return
    with _tracing(envelope) as span:
        try:
            with database.transaction() as session:
                is_mine = _take(session, event_id)
                if is_mine:
                    subscriptions.apply(session, envelope)
            if is_mine:
                _observe(envelope, is_new=True)
        except Exception as error:
            _fail_again(database, subscriptions, envelope, error)
            span.fail(error)


def _take(session: Session, event_id: str) -> bool:
    """Lock the row of a failed event and mark it done; False if another worker has it."""
    waiting = select(inbox.c.attempts).where(_waiting(event_id)).with_for_update(skip_locked=True)
    attempts = session.execute(waiting).scalar_one_or_none()
    if attempts is None:
        return False
    done = {"state": "done", "attempts": attempts + 1, "envelope": None}
    session.execute(update(inbox).where(_waiting(event_id)).values(**done))
    return True


def _fail_again(
    database: Database, subscriptions: Subscriptions, envelope: Envelope, error: Exception
) -> None:
    with database.transaction() as session:
        waiting = select(inbox.c.attempts).where(_waiting(envelope.id)).with_for_update()
        before = session.execute(waiting).scalar_one_or_none()
        if before is None:
            return
        attempts = before + 1
        dead = attempts >= MAX_ATTEMPTS
        _log_failure("event_dead" if dead else "event_failed", attempts, error)
        session.execute(
            update(inbox)
            .where(_waiting(envelope.id))
            .values(
                state="dead" if dead else "retry",
                attempts=attempts,
                next_at=db_time(session) + _backoff(attempts),
                last_error=_describe(error),
            )
        )
        if dead:
            _bury(session, subscriptions, envelope)
    observer().failed(envelope.type, dead=dead)


def _give_up(database: Database, event_id: str, error: ValidationError) -> None:
    log.error("message_is_no_event", event_id=event_id, error=_describe(error))
    dead = {"state": "dead", "last_error": _describe(error)}
    with database.transaction() as session:
        session.execute(update(inbox).where(_waiting(event_id)).values(**dead))


def _log_failure(what: str, attempts: int, error: Exception) -> None:
    # A validation error's traceback shows what somebody wrote; its description does not.
    traceback = None if isinstance(error, ValidationError) else error
    log.warning(what, attempts=attempts, error=_describe(error), exc_info=traceback)


def _bury(session: Session, subscriptions: Subscriptions, envelope: Envelope) -> None:
    try:
        with session.begin_nested():
            subscriptions.bury(session, envelope)
    except Exception:  # it stays a dead letter, which operators are told of
        log.exception("dead_letter_without_consequence")


def _waiting(event_id: str) -> ColumnElement[bool]:
    return (inbox.c.event_id == event_id) & (inbox.c.state == "retry")


def _tracing(envelope: Envelope) -> AbstractContextManager[Span]:
    return trace(
        f"process {envelope.type}",
        "consumer",
        envelope.traceparent,
        envelope.tracestate,
        event_id=envelope.id,
        event_type=envelope.type,
    )


def _observe(envelope: Envelope, *, is_new: bool) -> None:
    if is_new:
        observer().applied(envelope.type, (utcnow() - envelope.time).total_seconds())
    else:
        observer().duplicate(envelope.type)


def _backoff(attempts: int) -> timedelta:
    """1 s, 4 s, 16 s, … up to an hour, ± 20 % so that failures do not march in step."""
    wait = min(timedelta(seconds=4 ** min(max(attempts - 1, 0), 8)), _LONGEST_WAIT)
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret


def _describe(error: Exception) -> str:
    """Say what went wrong without repeating the event's data."""
    if isinstance(error, ValidationError):
        return str(error.errors(include_url=False, include_input=False))[:_LONGEST_ERROR]
    return repr(error)[:_LONGEST_ERROR]


def _bury_garbage(database: Database, body: bytes, error: ValidationError) -> None:
    event_id = str(uuid.UUID(bytes=hashlib.sha256(body).digest()[:16]))
    log.error("message_is_no_event", event_id=event_id, size=len(body))
    with database.transaction() as session:
        # Discarded before: nobody would hear that it comes again.
        discarded = (inbox.c.event_id == event_id) & (inbox.c.state == "done")
        session.execute(delete(inbox).where(discarded))
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
