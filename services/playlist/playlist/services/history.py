"""Keeping what was listened to."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from common.auth import Identity
from common.db import new_id, utcnow
from common.errors import FieldError, Invalid
from playlist.events import emit_play
from playlist.models import Play
from playlist.queries.tracks import find_visible_tracks
from playlist.services.first_writer import insert_once

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Clocks of clients are a little off.
_SKEW = timedelta(seconds=10)


def record_play(
    session: Session,
    user: Identity,
    *,
    track_id: str,
    played_ms: int,
    played_at: datetime | None,
    play_id: str | None,
) -> tuple[Play, bool]:
    """Keep a play and say whether it is new: one with a known id stays what it was.

    Raises Invalid for a time in the future or before 2000, or a track that the user cannot see.
    """
    known = session.get(Play, (user.user_id, play_id)) if play_id else None
    if known is not None:
        return known, False
    at = _check_time(played_at)
    track = find_visible_tracks(session, [track_id], user).get(track_id)
    if track is None:
        raise Invalid("There is no such track.", [FieldError("track_id", "unknown track")])
    play, is_new = insert_once(
        session,
        Play(
            user_id=user.user_id,
            id=play_id or new_id(),
            track_id=track_id,
            played_ms=played_ms,
            played_at=at,
            counted=Play.counts(played_ms, track.duration_ms),
        ),
    )
    if is_new and play.counted:
        emit_play(session, play)
    return play, is_new


def _check_time(played_at: datetime | None) -> datetime:
    now = utcnow()
    if played_at is None:
        return now
    if played_at > now + _SKEW:
        raise Invalid("Nobody plays in the future.", [FieldError("played_at", "is not past")])
    if played_at < _EARLIEST:
        raise Invalid("That is too long ago.", [FieldError("played_at", "is before 2000")])
    return played_at.astimezone(UTC)
