"""Answers kept a day for requests that come again, in the schema of what they made."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Integer,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from common.db import Database, Id, LongText, UtcDateTime, db_time, new_metadata
from common.errors import FieldError, Invalid

KEEP = timedelta(hours=24)

metadata = new_metadata()

idempotency_key = Table(
    "idempotency_key",
    metadata,
    # SHA-256 of caller, route and key; the key itself is not kept.
    Column("digest", String(64), primary_key=True),
    # Whose answer it is: it goes with the account. Null while nobody knows.
    Column("user_id", Id, index=True),
    Column("fingerprint", String(64), nullable=False),
    # Null until a request with the key succeeds.
    Column("status", Integer),
    Column("headers", JSON),
    Column("body", LongText),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True)
class KeyedRequest:
    """What tells a request from others: hex digests of who uses which key, and of what it asks."""

    digest: str
    fingerprint: str


@dataclass(frozen=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: dict[str, str]
    body: str


def reserve(database: Database, request: KeyedRequest) -> None:
    """Make the row that `claim` locks, in a transaction of its own.

    Were it new in the transaction that makes the answer, those who wait for it would deadlock as
    soon as that one rolls back: InnoDB lets them all lock the gap, and none of them insert.
    """
    with suppress(IntegrityError), database.transaction() as session:  # it may be there
        now = db_time(session)
        expired = idempotency_key.c.created_at < now - KEEP
        session.execute(delete(idempotency_key).where(_row_of(request), expired))
        row = {"digest": request.digest, "fingerprint": request.fingerprint, "created_at": now}
        session.execute(insert(idempotency_key).values(row))


def claim(session: Session, request: KeyedRequest) -> Answer | None:
    """Return the answer that the request had, or None: then this transaction is to `keep` one.

    While another transaction makes the answer, this waits for its end. Raises Invalid when the key
    came with another request.
    """
    query = select(idempotency_key).where(_row_of(request)).with_for_update()
    row = session.execute(query).one_or_none()
    if row is None or row.status is None:  # None when it has just gone with its account
        return None
    if row.fingerprint != request.fingerprint:
        raise Invalid(
            "This Idempotency-Key came with another request; use a new key for each.",
            [FieldError("Idempotency-Key", "was used for another request")],
        )
    return Answer(row.status, row.headers, row.body)


def keep(session: Session, request: KeyedRequest, answer: Answer, user_id: str | None) -> None:
    """Store the answer of a claimed request; `user_id` is whose data it holds."""
    session.execute(
        update(idempotency_key)
        .where(_row_of(request))
        .values(
            user_id=user_id,
            fingerprint=request.fingerprint,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            created_at=db_time(session),
        )
    )


def forget_answers(session: Session, user_id: str) -> None:
    """Delete the answers that hold data of a user, whose account ends."""
    session.execute(delete(idempotency_key).where(idempotency_key.c.user_id == user_id))


def prune_answers(session: Session, limit: int = 500) -> int:
    """Delete a small batch of answers older than a day; return how many."""
    old = idempotency_key.c.created_at < db_time(session) - KEEP
    digests = session.scalars(select(idempotency_key.c.digest).where(old).limit(limit)).all()
    session.execute(delete(idempotency_key).where(idempotency_key.c.digest.in_(digests), old))
    return len(digests)


def _row_of(request: KeyedRequest) -> ColumnElement[bool]:
    return idempotency_key.c.digest == request.digest
