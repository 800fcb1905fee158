"""Finding tracks: two queries for a list, however long."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from catalog.models import (
    Album,
    Artist,
    Credit,
    Genre,
    Lyrics,
    Track,
    TrackGenre,
    TrackState,
    name_key,
)
from catalog.queries.visibility import Item, View, may_see
from common.auth import Identity
from common.db import page

TrackSort = Literal["title", "newest", "album"]

_ORDERS: dict[TrackSort, Any] = {
    "title": (Track.title_key, Track.id),
    "newest": (Track.id,),
    "album": (Track.album_position, Track.title_key, Track.id),
}
_COLUMNS = (
    Track.id,
    Track.version,
    Track.owner_id,
    Track.asset_id,
    Track.state,
    Track.title,
    Track.album_id,
    Album.title.label("album_title"),
    Track.track_number,
    Track.disc_number,
    Track.duration_ms,
    Track.integrated_lufs,
    Track.true_peak_dbtp,
    Track.range_lu,
    Track.genres,
    Track.downloadable,
    Track.cover_url,
    Album.cover_url.label("album_cover_url"),
    Track.has_lyrics,
    Track.failure,
    Track.published_at,
    Track.created_at,
    Track.updated_at,
)


@dataclass(frozen=True)
class TrackFilter:
    """What a list of tracks is narrowed to; None does not narrow."""

    artist_id: str | None = None
    album_id: str | None = None
    genre: str | None = None
    state: TrackState | None = None


def list_tracks(
    session: Session,
    view: View,
    narrow: TrackFilter = TrackFilter(),
    *,
    sort: TrackSort = "title",
    limit: int = 50,
    cursor: str | None = None,
) -> Item:
    """Return a page of tracks as the body of a list."""
    found = page(
        session,
        select_tracks().where(view.of(Track), *_conditions(narrow)),
        order_by=_ORDERS[sort],
        descending=sort == "newest",
        limit=limit,
        cursor=cursor,
    )
    return {"items": show_tracks(session, found.rows), "next_cursor": found.next_cursor}


def find_track(session: Session, track_id: str, viewer: Identity | None) -> Item | None:
    """Return a track, or None if there is none that the viewer may know of."""
    row = session.execute(select_tracks().where(Track.id == track_id)).first()
    if row is None:
        return None
    if not may_see(viewer, row.owner_id, is_published=row.state == TrackState.PUBLISHED):
        return None
    return show_tracks(session, [row])[0]


def find_lyrics(session: Session, track_id: str, viewer: Identity | None) -> Item | None:
    """Return a track's lyrics, or None if there are none that the viewer may know of."""
    columns = (Lyrics.plain, Lyrics.synced, Lyrics.updated_at, Track.owner_id, Track.state)
    row = session.execute(
        select(*columns).join(Track, Track.id == Lyrics.track_id).where(Lyrics.track_id == track_id)
    ).first()
    if row is None:
        return None
    if not may_see(viewer, row.owner_id, is_published=row.state == TrackState.PUBLISHED):
        return None
    return {
        "track_id": track_id,
        "plain": row.plain,
        "synced": row.synced,
        "updated_at": row.updated_at,
    }


def tracks_by_id(session: Session, ids: Sequence[str]) -> dict[str, Item]:
    """Return those of the tracks that are published."""
    rows = session.execute(
        select_tracks().where(Track.id.in_(ids), Track.state == TrackState.PUBLISHED)
    ).all()
    return {item["id"]: item for item in show_tracks(session, rows)}


def select_tracks() -> Select[Any]:
    """Return the select whose rows `show_tracks` takes."""
    return select(*_COLUMNS).outerjoin(Album, Album.id == Track.album_id)


def show_tracks(session: Session, rows: Sequence[Row[Any]]) -> list[Item]:
    """Make rows of `select_tracks` into what the API shows, credits included."""
    credited = _credits(session, [row.id for row in rows])
    return [_show(row, credited[row.id]) for row in rows]


def _conditions(narrow: TrackFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if narrow.artist_id:
        credited = select(Credit.track_id).where(Credit.artist_id == narrow.artist_id)
        conditions.append(Track.id.in_(credited))
    if narrow.album_id:
        conditions.append(Track.album_id == narrow.album_id)
    if narrow.genre:
        of_genre = select(TrackGenre.track_id).join(Genre, Genre.id == TrackGenre.genre_id)
        conditions.append(Track.id.in_(of_genre.where(Genre.name_key == name_key(narrow.genre))))
    if narrow.state:
        conditions.append(Track.state == narrow.state)
    return conditions


def _credits(session: Session, track_ids: Sequence[str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    if not track_ids:
        return found
    rows = session.execute(
        select(Credit.track_id, Credit.artist_id, Credit.role, Artist.name)
        .join(Artist, Artist.id == Credit.artist_id)
        .where(Credit.track_id.in_(track_ids))
        .order_by(Credit.track_id, Credit.position)
    )
    for track_id, artist_id, role, name in rows:
        found[track_id].append({"artist_id": artist_id, "name": name, "role": role})
    return found


def _show(row: Row[Any], credited: list[Item]) -> Item:
    return {
        "id": row.id,
        "version": row.version,
        "owner_id": row.owner_id,
        "asset_id": row.asset_id,
        "state": row.state,
        "title": row.title,
        "credits": credited,
        "album": {"id": row.album_id, "title": row.album_title} if row.album_id else None,
        "track_number": row.track_number,
        "disc_number": row.disc_number,
        "duration_ms": row.duration_ms,
        "loudness": _loudness(row),
        "genres": row.genres,
        "downloadable": row.downloadable,
        "cover_url": row.cover_url or row.album_cover_url,
        "lyrics_url": f"/api/v1/tracks/{row.id}/lyrics" if row.has_lyrics else None,
        "failure": row.failure,
        "published_at": row.published_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _loudness(row: Row[Any]) -> Item | None:
    if row.integrated_lufs is None and row.true_peak_dbtp is None:
        return None
    return {
        "integrated_lufs": row.integrated_lufs,
        "true_peak_dbtp": row.true_peak_dbtp,
        "range_lu": row.range_lu,
    }
