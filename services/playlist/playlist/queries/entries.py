"""Entries of a playlist with their tracks."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from common.auth import Identity
from common.db import Page, page
from playlist.models import Entry
from playlist.queries.tracks import Listed, list_tracks, with_tracks


def list_entries(
    session: Session, playlist_id: str, reader: Identity, *, limit: int, cursor: str | None
) -> Page:
    """Return a page of the playlist's entries in order, as `reader` sees their tracks."""
    query = _entries(playlist_id, reader)
    found = page(session, query, order_by=[Entry.sort_key], limit=limit, cursor=cursor)
    first = 0
    if cursor is not None and found.rows:
        first = count_before(session, playlist_id, found.rows[0].sort_key)
    return Page(_number(session, found.rows, first), found.next_cursor)


def read_entries(
    session: Session, playlist_id: str, reader: Identity, entry_ids: Sequence[str]
) -> list[Listed]:
    """Return neighbouring entries of the playlist in order."""
    query = _entries(playlist_id, reader).where(Entry.id.in_(entry_ids))
    rows = session.execute(query.order_by(Entry.sort_key)).all()
    return _number(session, rows, count_before(session, playlist_id, rows[0].sort_key))


def count_before(session: Session, playlist_id: str, sort_key: int) -> int:
    """Return the position, from 0, of what has this key. Reads the index only."""
    query = select(func.count()).where(Entry.playlist_id == playlist_id, Entry.sort_key < sort_key)
    return session.execute(query).scalar_one()


def _entries(playlist_id: str, reader: Identity) -> Select[Any]:
    query = select(Entry.id, Entry.sort_key, Entry.added_at)
    return with_tracks(query, Entry.track_id, reader).where(Entry.playlist_id == playlist_id)


def _number(session: Session, rows: Sequence[Any], first: int) -> list[Listed]:
    listed = list_tracks(session, rows, "id", "added_at")
    return [{**entry, "position": first + index} for index, entry in enumerate(listed)]
