"""Finding genres that published tracks are of."""

from typing import Any

from sqlalchemy import Row, Select, exists, func, select
from sqlalchemy.orm import Session

from catalog.models import Genre, TrackGenre
from catalog.queries.tracks import TrackFilter, list_tracks
from catalog.queries.visibility import PUBLIC, Item
from common.db import page


def list_genres(session: Session, *, limit: int = 50, cursor: str | None = None) -> Item:
    """Return a page of genres as the body of a list."""
    found = page(
        session, _select(), order_by=(Genre.name_key, Genre.id), limit=limit, cursor=cursor
    )
    return {"items": [_show(row) for row in found.rows], "next_cursor": found.next_cursor}


def find_genre(session: Session, genre_id: str) -> Item | None:
    """Return a genre with its first tracks, or None if no published track is of it."""
    row = session.execute(_select().where(Genre.id == genre_id)).first()
    if row is None:
        return None
    return _show(row) | {"tracks": list_tracks(session, PUBLIC, TrackFilter(genre=row.name))}


def _select() -> Select[Any]:
    seen = (TrackGenre.genre_id == Genre.id) & TrackGenre.published
    track_count = select(func.count()).select_from(TrackGenre).where(seen).scalar_subquery()
    return select(Genre.id, Genre.name, track_count.label("track_count")).where(
        exists().where(seen)
    )


def _show(row: Row[Any]) -> Item:
    return {"id": row.id, "name": row.name, "track_count": row.track_count}
