"""Erasing everything that is a user's, for good."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from common.db import Database
from common.erasure import Eraser
from common.idempotency import forget_answers
from playlist.events import UserDataErased
from playlist.models import Album, Artist, Entry, Play, Playlist, SavedTrack, Track
from playlist.services.playlists import drop_playlist

_BATCH = 500


def make_eraser(database: Database) -> Eraser:
    """Return the chore that erases deleted users."""
    return Eraser(database, "playlist", erase_some, UserDataErased)


def erase_some(session: Session, user_id: str) -> int:
    """Delete a small batch of the user's playlists, likes, plays or music; return its rows."""
    for erase in (_erase_playlist, _erase_likes, _erase_plays, _bury_music):
        rows = erase(session, user_id)
        if rows:
            return rows
    forget_answers(session, user_id)
    return 0


def _erase_playlist(session: Session, user_id: str) -> int:
    """Delete a playlist, of a long one some entries first."""
    theirs = select(Playlist).where(Playlist.owner_id == user_id).limit(1).with_for_update()
    playlist = session.scalars(theirs).first()
    if playlist is None:
        return 0
    listed = select(Entry.id).where(Entry.playlist_id == playlist.id)
    ids = session.scalars(listed.limit(_BATCH)).all()
    session.execute(delete(Entry).where(Entry.id.in_(ids)))
    playlist.entry_count -= len(ids)
    if len(ids) == _BATCH:
        return len(ids)
    drop_playlist(session, playlist)
    return len(ids) + 1


def _erase_likes(session: Session, user_id: str) -> int:
    theirs = SavedTrack.user_id == user_id
    ids = session.scalars(select(SavedTrack.track_id).where(theirs).limit(_BATCH)).all()
    session.execute(delete(SavedTrack).where(theirs, SavedTrack.track_id.in_(ids)))
    return len(ids)


def _erase_plays(session: Session, user_id: str) -> int:
    theirs = Play.user_id == user_id
    ids = session.scalars(select(Play.id).where(theirs).limit(_BATCH)).all()
    session.execute(delete(Play).where(theirs, Play.id.in_(ids)))
    return len(ids)


def _bury_music(session: Session, user_id: str) -> int:
    """Make tombstones of some of what catalog told of the user's, without waiting for its word.

    They keep their versions: a late state finds them deleted, and catalog's deletion is newer.
    """
    for model in (Track, Album, Artist):
        theirs = model.owner_id == user_id
        ids = session.scalars(select(model.id).where(theirs).limit(_BATCH)).all()
        if ids:
            nothing = model.NOTHING | {"deleted": True}
            session.execute(update(model).where(theirs, model.id.in_(ids)).values(nothing))
            return len(ids)
    return 0
