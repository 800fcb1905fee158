"""Erasing a deleted user: step by step in the worker, with a receipt at the end.

A row of `erased_user` is the tombstone that late events of the user meet, and how far the erasure
has come. Each step is a short transaction of its own, so that other writers get their turn and a
killed worker loses nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BigInteger, Column, Integer, Row, Table, exists, insert, select, update
from sqlalchemy.orm import Session

from common.auth.subscriptions import UserEnded, void_user
from common.db import Database, Id, UtcDateTime, db_time, new_metadata
from common.events import Event, Subscriptions, emit
from common.events.purging import purge_envelopes
from common.logging import get_logger

log = get_logger(__name__)

EraseSome = Callable[[Session, str], int]
"""Deletes a small batch of what a user owns; returns how many rows, none when nothing is left."""

_TURN_SECONDS = 1.0
"""How long other chores wait at most."""
# Longer than any request or access token lives: who may still write for the user.
_WATCH = timedelta(hours=1)
_SHORTEST_PAUSE = timedelta(seconds=2)
_PAUSE_AFTER_FAILURE = timedelta(seconds=5)

metadata = new_metadata()

erased_user = Table(
    "erased_user",
    metadata,
    Column("user_id", Id, primary_key=True),
    Column("erased_at", UtcDateTime, nullable=False),
    # When to look (again) for rows of theirs; null when nobody can write any more.
    Column("look_at", UtcDateTime, index=True),
    # Rows erased so far.
    Column("erased_rows", Integer, nullable=False, server_default="0"),
    # Receipts sent, which is the version of the last one, and rows it told of; null before it.
    Column("receipts", BigInteger, nullable=False, server_default="0"),
    Column("told_rows", Integer),
)

subscriptions = Subscriptions()


@subscriptions.on("auth.user.deleted.v1", UserEnded)
def forget_user(session: Session, event: UserEnded) -> None:
    """Refuse the user's tokens and have the worker erase what is theirs."""
    void_user(session, event)
    begin_erasure(session, event.id)


def begin_erasure(session: Session, user_id: str) -> None:
    """Note that a user is to be erased; from the commit on late events of theirs do not count."""
    now = db_time(session)
    begun = {"erased_at": now, "look_at": now, "told_rows": None}
    theirs = erased_user.c.user_id == user_id
    if is_erased(session, user_id):
        session.execute(update(erased_user).where(theirs).values(**begun))
    else:
        session.execute(insert(erased_user).values(user_id=user_id, **begun))


def is_erased(session: Session, user_id: str) -> bool:
    """Whether the user was deleted, so that late events of theirs must not count."""
    return bool(session.scalar(select(exists().where(erased_user.c.user_id == user_id))))


@dataclass(frozen=True)
class Eraser:
    """A chore that erases deleted users; any number of workers may have it at the same time."""

    database: Database
    service: str
    erase_some: EraseSome
    receipt: Callable[..., Event]
    """Makes the event: `receipt(id=…, version=…, service=…, rows=…, erased_at=…)`."""
    before_step: Callable[[str], None] | None = None
    """Does for a user what takes too long for a transaction, such as to delete files."""

    def __call__(self) -> None:
        """Erase for about a second, or until there is nothing to erase."""
        until = time.monotonic() + _TURN_SECONDS
        for user_id in self._due():
            try:
                while self._step(user_id):
                    if time.monotonic() >= until:
                        return
            except Exception:  # one user's trouble is not another's
                log.warning("erasure_failed", user_id=user_id, exc_info=True)
                self._postpone(user_id)

    def _due(self) -> list[str]:
        with self.database.reading() as session:
            due = select(erased_user.c.user_id).where(erased_user.c.look_at <= db_time(session))
            return list(session.scalars(due.order_by(erased_user.c.look_at).limit(100)))

    def _step(self, user_id: str) -> bool:
        """Erase one batch, or find that nothing is left; say whether to go on."""
        if self.before_step is not None:
            self.before_step(user_id)
        with self.database.transaction() as session:
            now = db_time(session)
            mine = select(erased_user).where(
                erased_user.c.user_id == user_id, erased_user.c.look_at <= now
            )
            row = session.execute(mine.with_for_update(skip_locked=True)).first()
            if row is None:  # another worker is at it
                return False
            rows = self.erase_some(session, user_id)
            if rows:
                # Back to the end of the line: who owns little need not wait for who owns much.
                _note(session, user_id, erased_rows=row.erased_rows + rows, look_at=now)
            elif not purge_envelopes(session, user_id):
                self._finish(session, row)
                return False
        return True

    def _finish(self, session: Session, row: Row[tuple[object, ...]]) -> None:
        """Send the receipt if there is anything to tell, and decide when to look again."""
        now = db_time(session)
        # Soon, then more and more rarely: what was under way ends in its first seconds.
        pause = max(_SHORTEST_PAUSE, (now - row.erased_at) / 2)
        look_at = now + pause if now < row.erased_at + _WATCH else None
        _note(session, row.user_id, look_at=look_at)
        if row.told_rows != row.erased_rows:
            version = row.receipts + 1
            _note(session, row.user_id, receipts=version, told_rows=row.erased_rows)
            known = {"id": row.user_id, "version": version, "service": self.service}
            emit(session, self.receipt(**known, rows=row.erased_rows, erased_at=now))

    def _postpone(self, user_id: str) -> None:
        with self.database.transaction() as session:
            _note(session, user_id, look_at=db_time(session) + _PAUSE_AFTER_FAILURE)


def _note(session: Session, user_id: str, **values: object) -> None:
    session.execute(update(erased_user).where(erased_user.c.user_id == user_id).values(**values))
