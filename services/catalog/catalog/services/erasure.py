"""Erasing a user."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalog.events import UserDataErased, track_gone
from catalog.models import Album, Artist, Asset, Track
from catalog.services.albums import remove_album
from catalog.services.artists import remove_artist
from catalog.services.changes import record
from catalog.services.indexing import unindex
from common.db import Database
from common.erasure import Eraser
from common.idempotency import forget_answers

_BATCH = 50
_ASSETS = 500


def make_eraser(database: Database) -> Eraser:
    """Return the chore that erases deleted users."""
    return Eraser(database, "catalog", erase_some, UserDataErased)


def erase_some(session: Session, user_id: str) -> int:
    """Delete a small batch of what the user owns and tell the others; return how many rows."""
    # Tracks name albums and artists, albums name artists: nothing goes before what names it.
    for erase in (_erase_tracks, _erase_albums, _erase_artists, _erase_assets):
        rows = erase(session, user_id)
        if rows:
            return rows
    forget_answers(session, user_id)
    return 0


def _erase_tracks(session: Session, user_id: str) -> int:
    theirs = select(Track).where(Track.owner_id == user_id).limit(_BATCH).with_for_update()
    tracks = session.scalars(theirs).all()
    for track in tracks:
        track.change()
        record(session, track_gone(track))
        session.delete(track)
    unindex(session, [track.id for track in tracks])
    return len(tracks)


def _erase_albums(session: Session, user_id: str) -> int:
    theirs = select(Album).where(Album.owner_id == user_id).limit(_BATCH).with_for_update()
    albums = session.scalars(theirs).all()
    for album in albums:
        remove_album(session, album)
    return len(albums)


def _erase_artists(session: Session, user_id: str) -> int:
    theirs = select(Artist).where(Artist.owner_id == user_id).limit(_BATCH).with_for_update()
    artists = session.scalars(theirs).all()
    for artist in artists:
        remove_artist(session, artist)
    return len(artists)


def _erase_assets(session: Session, user_id: str) -> int:
    theirs = select(Asset.id).where(Asset.owner_id == user_id).limit(_ASSETS)
    ids = session.scalars(theirs).all()
    session.execute(delete(Asset).where(Asset.id.in_(ids)))
    return len(ids)
