"""Erasing everything that is a user's, for good."""

from datetime import timedelta

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from common.db import utcnow
from common.idempotency import forget_answers
from playlist.events import emit_erasure
from playlist.models import ErasedUser, Play, Playlist, SavedTrack
from playlist.services.playlists import drop_playlist

# Longer than any access token lives: after it nobody can act for the user.
_WATCH = timedelta(hours=1)


def erase_user(session: Session, user_id: str) -> int:
    """Erase the user's playlists, likes and history, send the receipt, return how many rows."""
    rows = _erase_rows(session, user_id)
    session.merge(ErasedUser(user_id=user_id, erased_at=utcnow()))
    emit_erasure(session, user_id, rows)
    return rows


def erase_stragglers(session: Session) -> int:
    """Erase what requests under way during an erasure wrote after it; return how many rows."""
    session.execute(delete(ErasedUser).where(ErasedUser.erased_at < utcnow() - _WATCH))
    erased = 0
    for user_id in session.scalars(select(ErasedUser.user_id)).all():
        rows = _erase_rows(session, user_id)
        if rows:
            emit_erasure(session, user_id, rows)
        erased += rows
    return erased


def _erase_rows(session: Session, user_id: str) -> int:
    rows = 0
    forget_answers(session, user_id)
    owned = select(Playlist).where(Playlist.owner_id == user_id).with_for_update()
    for playlist in session.scalars(owned).all():
        rows += 1 + playlist.entry_count
        drop_playlist(session, playlist)
    for model in (SavedTrack, Play):
        result = session.execute(delete(model).where(model.user_id == user_id))
        assert isinstance(result, CursorResult)  # noqa: S101 - what a DELETE always gives
        rows += result.rowcount
    return rows
