"""Making, changing and removing albums."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from catalog.events import AlbumPublished, AlbumUpdated, album_event, album_gone
from catalog.models import Album, Artist, Track, name_key
from catalog.services.access import find_to_edit, lock
from catalog.services.artists import publish_artists
from catalog.services.changes import record
from catalog.services.indexing import index_albums, index_renamed_album, unindex
from common.auth import Identity
from common.db import utcnow
from common.errors import Conflict, FieldError, Invalid


def create_album(
    session: Session,
    owner_id: str,
    *,
    title: str,
    artist_id: str,
    release_date: date | None = None,
    cover_url: str | None = None,
) -> Album:
    """Make an album that everybody sees; raises Conflict when the artist has one of this title."""
    artist = own_artist(session, owner_id, artist_id)
    _refuse_taken(session, owner_id, title, artist.id)
    album = _add(session, owner_id, title, artist)
    album.release_date, album.cover_url = release_date, cover_url
    publish_album(session, album)
    return album


def find_or_create_album(
    session: Session,
    artist: Artist,
    title: str,
    *,
    release_date: date | None,
    cover_url: str | None,
) -> Album:
    """Return the artist's album of this title, made for the owner's eyes only if there is none."""
    album = _find(session, artist.owner_id, title, artist.id)
    if album is None:
        album = _add(session, artist.owner_id, title, artist)
        album.implicit, album.release_date, album.cover_url = True, release_date, cover_url
    elif cover_url is not None:
        replace_cover(session, album, None, cover_url)
    return album


def publish_album(session: Session, album: Album, credited: Iterable[Artist] = ()) -> None:
    """Show the album, its artist and those credited on it to everybody who do not see them yet.

    None of them is renamed before the end of the transaction: what is indexed meanwhile names them.
    """
    lock(session, album, shared=album.is_published)
    publish_artists(session, [album.artist, *credited])
    if not album.is_published:
        album.published_at = utcnow()
        record(session, album_event(AlbumPublished, album))
        index_albums(session, [album.id])


def update_album(
    session: Session, editor: Identity, album_id: str, changes: dict[str, Any]
) -> Album:
    """Set what `changes` holds: `title`, `artist_id`, `release_date`, `cover_url`.

    Raises Conflict when the artist has another album of the title.
    """
    album = find_to_edit(session, Album, album_id, editor)
    artist = own_artist(session, album.owner_id, changes.get("artist_id", album.artist_id))
    title = changes.get("title", album.title)
    if (name_key(title), artist.id) != (album.title_key, album.artist_id):
        _refuse_taken(session, album.owner_id, title, artist.id)
    album.retitle(title)
    album.artist_id, album.artist = artist.id, artist
    album.release_date = changes.get("release_date", album.release_date)
    album.cover_url = changes.get("cover_url", album.cover_url)
    album.implicit = False
    _tell_change(session, album)
    if album.is_published:
        publish_artists(session, [artist])
        index_renamed_album(session, album.id)
    return album


def delete_album(session: Session, editor: Identity, album_id: str) -> None:
    """Remove an album; raises Conflict while tracks are on it."""
    album = find_to_edit(session, Album, album_id, editor)
    if is_album_used(session, album.id):
        raise Conflict(
            f"“{album.title}” still has tracks; delete them or take them off the album first."
        )
    remove_album(session, album)


def remove_album(session: Session, album: Album) -> None:
    """Take away an album that nothing is on any more."""
    album.change()
    if album.is_published:
        record(session, album_gone(album))
        unindex(session, [album.id])
    session.delete(album)
    session.flush()


def remove_unused_album(session: Session, album: Album) -> bool:
    """Take away an album that only tags asked for once nothing is on it; say whether it went."""
    if not album.implicit:
        return False
    # Before anyone looks: of two that take the last two tracks away, each would see the other's.
    lock(session, album)
    if not album.implicit or is_album_used(session, album.id):
        return False
    remove_album(session, album)
    return True


def replace_cover(session: Session, album: Album, old: str | None, new: str | None) -> None:
    """Give the album another cover, or none, if the old one is what it has."""
    if album.cover_url == old:
        lock(session, album)
        if album.cover_url == old:
            album.cover_url = new
            _tell_change(session, album)


def is_album_used(session: Session, album_id: str) -> bool:
    """Whether a track is on the album."""
    return bool(session.scalar(select(exists().where(Track.album_id == album_id))))


def own_artist(session: Session, owner_id: str, artist_id: str) -> Artist:
    """Return the owner's artist; raises Invalid for one of somebody else or none at all."""
    artist = session.get(Artist, artist_id)
    if artist is None or artist.owner_id != owner_id:
        raise Invalid(
            "Albums and tracks can only name artists of the same owner.",
            [FieldError("artist_id", f"there is no artist {artist_id} of this owner")],
        )
    return artist


def _tell_change(session: Session, album: Album) -> None:
    album.change()
    if album.is_published:
        record(session, album_event(AlbumUpdated, album))


def _add(session: Session, owner_id: str, title: str, artist: Artist) -> Album:
    album = Album(owner_id=owner_id, artist_id=artist.id, artist=artist)
    album.retitle(title)
    session.add(album)
    session.flush()
    return album


def _find(session: Session, owner_id: str, title: str, artist_id: str) -> Album | None:
    return session.scalars(
        select(Album).where(
            Album.owner_id == owner_id,
            Album.title_key == name_key(title),
            Album.artist_id == artist_id,
        )
    ).first()


def _refuse_taken(session: Session, owner_id: str, title: str, artist_id: str) -> None:
    taken = _find(session, owner_id, title, artist_id)
    if taken is not None:
        raise Conflict(
            f"The artist already has an album of this title: “{taken.title}” ({taken.id}).",
            [FieldError("title", "already taken")],
        )
