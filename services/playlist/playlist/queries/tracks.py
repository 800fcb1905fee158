"""Tracks as one listener sees them, joined to whatever lists them."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from common.auth import Identity
from playlist.models import Album, Artist, Credit, Track

Listed = dict[str, Any]
"""The fields of `http.schemas.ListedTrack` and those of the list it stands on."""

_BEHIND_THE_SCENES = {"composer", "producer"}


def visible_to(viewer: Identity) -> ColumnElement[bool]:
    """Say which tracks somebody may see: published ones and all of their own; admins see all."""
    there = Track.deleted.is_(False)
    if viewer.is_admin:
        return there
    return and_(there, or_(Track.state == "published", Track.owner_id == viewer.user_id))


def find_visible_tracks(
    session: Session, track_ids: Iterable[str], viewer: Identity
) -> dict[str, Track]:
    """Return by id those of the tracks that the viewer may see."""
    query = select(Track).where(Track.id.in_(set(track_ids)), visible_to(viewer))
    return {track.id: track for track in session.scalars(query)}


def with_tracks(
    query: Select[Any], track_id: InstrumentedAttribute[str], viewer: Identity
) -> Select[Any]:
    """Add what `list_tracks` needs of the track to each row; all NULL where it is not visible."""
    return (
        query.add_columns(
            track_id.label("track_id"),
            Track.id.label("visible_id"),
            Track.title,
            Track.duration_ms,
            Track.credits,
            Album.id.label("album_id"),
            Album.title.label("album_title"),
        )
        .outerjoin(Track, and_(Track.id == track_id, visible_to(viewer)))
        .outerjoin(Album, and_(Album.id == Track.album_id, Album.deleted.is_(False)))
    )


def list_tracks(session: Session, rows: Sequence[Row[Any]], *own: str) -> list[Listed]:
    """Turn rows of `with_tracks` into fields, with the columns `own`; one query for all names.

    An artist whose name catalog has not told yet is missing for as long as that takes.
    """
    ids = {artist_id for row in rows for artist_id in _billed(row.credits)}
    query = select(Artist.id, Artist.name).where(Artist.id.in_(ids), Artist.deleted.is_(False))
    names = {row.id: row.name for row in session.execute(query)}
    return [
        {name: getattr(row, name) for name in own}
        | {
            "track_id": row.track_id,
            "title": row.title,
            "artists": [
                {"id": key, "name": names[key]} for key in _billed(row.credits) if key in names
            ],
            "album": {"id": row.album_id, "title": row.album_title} if row.album_id else None,
            "duration_ms": row.duration_ms,
            "available": row.visible_id is not None,
        }
        for row in rows
    ]


def _billed(credits_: Sequence[Credit] | None) -> list[str]:
    """Return the ids of the artists that a track is shown with, each once."""
    everybody = [credit["artist_id"] for credit in credits_ or ()]
    billed = [c["artist_id"] for c in credits_ or () if c["role"] not in _BEHIND_THE_SCENES]
    return list(dict.fromkeys(billed or everybody))
