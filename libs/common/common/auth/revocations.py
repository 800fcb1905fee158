"""Access tokens that must stop working before they expire; fed by the bus, read by the web."""

import threading
import time
from datetime import datetime, timedelta

from sqlalchemy import Column, String, Table, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from common.auth.access import Identity
from common.db import Database, Id, UtcDateTime, db_time, new_metadata
from common.logging import get_logger

log = get_logger(__name__)

metadata = new_metadata()

revocation = Table(
    "revocation",
    metadata,
    # The id of a session, or of a user whose every earlier token is void.
    Column("subject_id", Id, primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("revoked_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# Longer than any access token lives.
_KEEP = timedelta(minutes=30)


def revoke(session: Session, *, kind: str, subject_id: str, revoked_at: datetime) -> None:
    """Void the tokens of a `session` or a `user` issued up to `revoked_at`, whichever is latest."""
    now = db_time(session)
    session.execute(delete(revocation).where(revocation.c.expires_at < now))
    mine = revocation.c.subject_id == subject_id
    known = session.execute(select(revocation.c.revoked_at).where(mine)).scalar_one_or_none()
    if known is not None and known >= revoked_at:  # events come in any order
        return
    session.execute(delete(revocation).where(mine))
    session.execute(
        insert(revocation).values(
            subject_id=subject_id, kind=kind, revoked_at=revoked_at, expires_at=now + _KEEP
        )
    )


class RevocationList:
    """The revocations in force, as this process read them at most a second ago."""

    _MAX_AGE = 1.0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._revoked_at: dict[str, float] = {}
        self._loaded_at = float("-inf")
        self._lock = threading.Lock()

    def covers(self, identity: Identity) -> bool:
        """Whether a revocation voids this token."""
        self._refresh()
        if identity.session_id in self._revoked_at:
            return True
        by_user = self._revoked_at.get(identity.user_id)
        return by_user is not None and identity.issued_at <= by_user

    def _refresh(self) -> None:
        if time.monotonic() - self._loaded_at < self._MAX_AGE:
            return
        # One request reloads, the others go on with what is there.
        if self._lock.acquire(blocking=False):
            try:
                self._load()
            finally:
                self._lock.release()

    def _load(self) -> None:
        try:
            with self._database.reading() as session:
                rows = session.execute(select(revocation.c.subject_id, revocation.c.revoked_at))
                self._revoked_at = {row.subject_id: row.revoked_at.timestamp() for row in rows}
        except SQLAlchemyError as error:
            # What is known stays in force while the database is away.
            log.warning("revocations_not_loaded", error=repr(error))
        self._loaded_at = time.monotonic()
