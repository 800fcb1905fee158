"""Finding albums."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from catalog.models import Album, Artist, Track
from catalog.queries.tracks import TrackFilter, list_tracks
from catalog.queries.visibility import PUBLIC, Item, View, may_see, view_of
from common.auth import Identity
from common.db import page

AlbumSort = Literal["title", "newest"]

_ORDERS: dict[AlbumSort, Any] = {"title": (Album.title_key, Album.id), "newest": (Album.id,)}
_FIRST_TRACKS = 200


def list_albums(
    session: Session,
    view: View,
    *,
    artist_id: str | None = None,
    sort: AlbumSort = "title",
    limit: int = 50,
    cursor: str | None = None,
) -> Item:
    """Return a page of albums as the body of a list."""
    query = _select(view).where(view.of(Album))
    if artist_id:
        query = query.where(Album.artist_id == artist_id)
    found = page(
        session,
        query,
        order_by=_ORDERS[sort],
        descending=sort == "newest",
        limit=limit,
        cursor=cursor,
    )
    return {"items": [_show(row) for row in found.rows], "next_cursor": found.next_cursor}


def find_album(session: Session, album_id: str, viewer: Identity | None) -> Item | None:
    """Return an album with its first tracks, or None if the viewer may not know of it."""
    owner_id = session.scalar(select(Album.owner_id).where(Album.id == album_id))
    if owner_id is None:
        return None
    view = view_of(viewer, owner_id)
    row = session.execute(_select(view).where(Album.id == album_id)).one()
    if not may_see(viewer, row.owner_id, is_published=row.published_at is not None):
        return None
    narrow = TrackFilter(album_id=album_id)
    tracks = list_tracks(session, view, narrow, sort="album", limit=_FIRST_TRACKS)
    return _show(row) | {"tracks": tracks}


def albums_by_id(session: Session, ids: Sequence[str]) -> dict[str, Item]:
    """Return those of the albums that are published."""
    rows = session.execute(_select(PUBLIC).where(Album.id.in_(ids), PUBLIC.of(Album)))
    return {row.id: _show(row) for row in rows}


def _select(view: View) -> Select[Any]:
    track_count = (
        select(func.count())
        .select_from(Track)
        .where(Track.album_id == Album.id, view.of(Track))
        .scalar_subquery()
    )
    return select(
        Album.id,
        Album.version,
        Album.owner_id,
        Album.title,
        Album.artist_id,
        Artist.name.label("artist_name"),
        Album.release_date,
        Album.cover_url,
        track_count.label("track_count"),
        Album.published_at,
        Album.created_at,
        Album.updated_at,
    ).join(Artist, Artist.id == Album.artist_id)


def _show(row: Row[Any]) -> Item:
    return {
        "id": row.id,
        "version": row.version,
        "owner_id": row.owner_id,
        "title": row.title,
        "artist": {"id": row.artist_id, "name": row.artist_name},
        "release_date": row.release_date,
        "cover_url": row.cover_url,
        "track_count": row.track_count,
        "published_at": row.published_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
