"""Saving tracks and taking that back; both may be asked for any number of times."""

from sqlalchemy.orm import Session

from common.auth import Identity
from common.errors import NotFound
from playlist.events import emit_like
from playlist.models import SavedTrack
from playlist.queries.tracks import find_visible_tracks
from playlist.services.first_writer import insert_once


def save_track(session: Session, user: Identity, track_id: str) -> None:
    """Like a track; raises NotFound for one that the user cannot see."""
    if not find_visible_tracks(session, [track_id], user):
        raise NotFound("There is no such track.")
    row, _ = insert_once(session, SavedTrack(user_id=user.user_id, track_id=track_id))
    if row.turn(saved=True):
        emit_like(session, row)


def unsave_track(session: Session, user_id: str, track_id: str) -> None:
    """Take a like back, also of a track that is gone."""
    row = session.get(SavedTrack, (user_id, track_id), with_for_update=True)
    if row is not None and row.turn(saved=False):
        emit_like(session, row)
