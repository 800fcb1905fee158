"""Finding artists."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from catalog.models import Artist
from catalog.queries.albums import list_albums
from catalog.queries.visibility import PUBLIC, Item, View, may_see, view_of
from common.auth import Identity
from common.db import page

ArtistSort = Literal["name", "newest"]

_ORDERS: dict[ArtistSort, Any] = {"name": (Artist.name_key, Artist.id), "newest": (Artist.id,)}
_SELECT = select(
    Artist.id,
    Artist.version,
    Artist.owner_id,
    Artist.name,
    Artist.image_url,
    Artist.published_at,
    Artist.created_at,
    Artist.updated_at,
)


def list_artists(
    session: Session,
    view: View,
    *,
    sort: ArtistSort = "name",
    limit: int = 50,
    cursor: str | None = None,
) -> Item:
    """Return a page of artists as the body of a list."""
    found = page(
        session,
        _SELECT.where(view.of(Artist)),
        order_by=_ORDERS[sort],
        descending=sort == "newest",
        limit=limit,
        cursor=cursor,
    )
    return {"items": [_show(row) for row in found.rows], "next_cursor": found.next_cursor}


def find_artist(session: Session, artist_id: str, viewer: Identity | None) -> Item | None:
    """Return an artist with their first albums, or None if the viewer may not know of them."""
    row = session.execute(_SELECT.where(Artist.id == artist_id)).first()
    if row is None:
        return None
    if not may_see(viewer, row.owner_id, is_published=row.published_at is not None):
        return None
    view = view_of(viewer, row.owner_id)
    return _show(row) | {"albums": list_albums(session, view, artist_id=artist_id)}


def artists_by_id(session: Session, ids: Sequence[str]) -> dict[str, Item]:
    """Return those of the artists that are published."""
    rows = session.execute(_SELECT.where(Artist.id.in_(ids), PUBLIC.of(Artist)))
    return {row.id: _show(row) for row in rows}


def _show(row: Row[Any]) -> Item:
    return {
        "id": row.id,
        "version": row.version,
        "owner_id": row.owner_id,
        "name": row.name,
        "image_url": row.image_url,
        "published_at": row.published_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
