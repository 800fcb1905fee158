"""Making, changing and removing artists."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from catalog.events import ArtistPublished, ArtistUpdated, artist_event, artist_gone
from catalog.models import Album, Artist, Credit, name_key
from catalog.services.access import find_to_edit, lock
from catalog.services.changes import record
from catalog.services.indexing import index_artists, index_renamed_artist, unindex
from common.auth import Identity
from common.db import utcnow
from common.errors import Conflict, FieldError


def create_artist(
    session: Session, owner_id: str, *, name: str, image_url: str | None = None
) -> Artist:
    """Make an artist that everybody sees; raises Conflict when the owner has one of this name."""
    _refuse_taken(session, owner_id, name)
    artist = _add(session, owner_id, name)
    artist.image_url = image_url
    publish_artists(session, [artist])
    return artist


def find_or_create_artist(session: Session, owner_id: str, name: str) -> Artist:
    """Return the owner's artist of this name, made for the owner's eyes only if there is none."""
    found = _find(session, owner_id, name)
    if found is None:
        found = _add(session, owner_id, name)
        found.implicit = True
    return found


def publish_artists(session: Session, artists: Iterable[Artist]) -> None:
    """Show the artists to everybody, those that they do not see yet.

    None is renamed before the end of the transaction: what is indexed meanwhile names them.
    """
    for artist in _in_order(artists):
        lock(session, artist, shared=artist.is_published)
        if not artist.is_published:
            artist.published_at = utcnow()
            record(session, artist_event(ArtistPublished, artist))
            index_artists(session, [artist.id])


def update_artist(
    session: Session, editor: Identity, artist_id: str, changes: dict[str, Any]
) -> Artist:
    """Set what `changes` holds: `name`, `image_url`; raises Conflict for a name already taken."""
    artist = find_to_edit(session, Artist, artist_id, editor)
    if "name" in changes:
        if name_key(changes["name"]) != artist.name_key:
            _refuse_taken(session, artist.owner_id, changes["name"])
        artist.rename(changes["name"])
    if "image_url" in changes:
        artist.image_url = changes["image_url"]
    artist.implicit = False
    artist.change()
    if artist.is_published:
        record(session, artist_event(ArtistUpdated, artist))
        index_renamed_artist(session, artist.id)
    return artist


def delete_artist(session: Session, editor: Identity, artist_id: str) -> None:
    """Remove an artist; raises Conflict while tracks or albums name it."""
    artist = find_to_edit(session, Artist, artist_id, editor)
    if is_artist_used(session, artist.id):
        raise Conflict(
            f"“{artist.name}” still has tracks or albums; delete those or credit others first."
        )
    remove_artist(session, artist)


def remove_artist(session: Session, artist: Artist) -> None:
    """Take away an artist that nothing names any more."""
    artist.change()
    if artist.is_published:
        record(session, artist_gone(artist))
        unindex(session, [artist.id])
    session.delete(artist)


def remove_unused_artists(session: Session, artists: Iterable[Artist]) -> None:
    """Take away those of the artists that only tags asked for and that nothing names any more."""
    for artist in _in_order(artists):
        if artist.implicit:
            lock(session, artist)  # before anyone looks, as in `remove_unused_album`
            if artist.implicit and not is_artist_used(session, artist.id):
                remove_artist(session, artist)


def is_artist_used(session: Session, artist_id: str) -> bool:
    """Whether a track or an album names the artist."""
    credited = exists().where(Credit.artist_id == artist_id)
    released = exists().where(Album.artist_id == artist_id)
    return bool(session.scalar(select(credited | released)))


def _in_order(artists: Iterable[Artist]) -> list[Artist]:
    return sorted(set(artists), key=lambda artist: artist.id)


def _add(session: Session, owner_id: str, name: str) -> Artist:
    artist = Artist(owner_id=owner_id)
    artist.rename(name)
    session.add(artist)
    session.flush()
    return artist


def _find(session: Session, owner_id: str, name: str) -> Artist | None:
    mine = (Artist.owner_id == owner_id) & (Artist.name_key == name_key(name))
    return session.scalars(select(Artist).where(mine)).first()


def _refuse_taken(session: Session, owner_id: str, name: str) -> None:
    taken = _find(session, owner_id, name)
    if taken is not None:
        raise Conflict(
            f"There is already an artist of this name: “{taken.name}” ({taken.id}).",
            [FieldError("name", "already taken")],
        )
