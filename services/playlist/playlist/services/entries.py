"""Adding, moving and removing entries, under the lock of their playlist."""

from collections.abc import Sequence, Set

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from common.auth import Identity
from common.db import new_id, utcnow
from common.errors import FieldError, Invalid, NotFound
from playlist.events import PlaylistUpdated, emit_playlist
from playlist.models import Entry, Playlist, check_position
from playlist.models.ordering import BEYOND, GAP, spread
from playlist.queries.playlists import lock_playlist
from playlist.queries.tracks import find_visible_tracks


def add_entries(
    session: Session,
    playlist_id: str,
    editor: Identity,
    *,
    versions: Set[int] | None,
    track_ids: Sequence[str],
    position: int | None,
) -> tuple[Playlist, list[str]]:
    """Insert tracks in their order at a position (from 0), or at the end; return the entries' ids.

    Raises NotFound, Forbidden, PreconditionFailed, Invalid for tracks that the editor cannot see
    or a position past the end, and Conflict when the playlist is full.
    """
    playlist = lock_playlist(session, playlist_id, editor, versions)
    place = playlist.entry_count if position is None else position
    check_position(place, playlist.entry_count)
    _check_tracks(session, track_ids, editor)
    playlist.check_room(len(track_ids))
    keys = _find_keys(session, playlist_id, place, size=playlist.entry_count, count=len(track_ids))
    now = utcnow()
    rows = [
        {
            "id": new_id(),
            "playlist_id": playlist_id,
            "track_id": track_id,
            "sort_key": key,
            "added_at": now,
        }
        for track_id, key in zip(track_ids, keys, strict=True)
    ]
    session.execute(insert(Entry), rows)
    _note_change(session, playlist, added=len(rows))
    return playlist, [str(row["id"]) for row in rows]


def move_entry(
    session: Session,
    playlist_id: str,
    editor: Identity,
    *,
    versions: Set[int] | None,
    entry_id: str,
    position: int,
) -> Playlist:
    """Put an entry at a position (from 0), counted without it.

    Raises NotFound, Forbidden, PreconditionFailed, and Invalid for a position past the end.
    """
    playlist = lock_playlist(session, playlist_id, editor, versions)
    _find_entry(session, playlist_id, entry_id)
    size = playlist.entry_count - 1
    check_position(position, size)
    (key,) = _find_keys(session, playlist_id, position, size=size, count=1, without=entry_id)
    session.execute(update(Entry).where(Entry.id == entry_id).values(sort_key=key))
    _note_change(session, playlist)
    return playlist


def remove_entry(
    session: Session,
    playlist_id: str,
    editor: Identity,
    *,
    versions: Set[int] | None,
    entry_id: str,
) -> Playlist:
    """Take an entry off a playlist; raises NotFound, Forbidden or PreconditionFailed."""
    playlist = lock_playlist(session, playlist_id, editor, versions)
    session.delete(_find_entry(session, playlist_id, entry_id))
    _note_change(session, playlist, added=-1)
    return playlist


def _find_entry(session: Session, playlist_id: str, entry_id: str) -> Entry:
    entry = session.get(Entry, entry_id)
    if entry is None or entry.playlist_id != playlist_id:
        raise NotFound("There is no such entry on this playlist.")
    return entry


def _check_tracks(session: Session, track_ids: Sequence[str], editor: Identity) -> None:
    visible = find_visible_tracks(session, track_ids, editor)
    errors = [
        FieldError(f"track_ids.{index}", f"there is no track {track_id}")
        for index, track_id in enumerate(track_ids)
        if track_id not in visible
    ]
    if errors:
        raise Invalid("Some of the tracks do not exist, so none was added; see errors.", errors)


def _note_change(session: Session, playlist: Playlist, *, added: int = 0) -> None:
    playlist.change(added=added)
    emit_playlist(session, PlaylistUpdated, playlist)


def _find_keys(
    session: Session,
    playlist_id: str,
    position: int,
    *,
    size: int,
    count: int,
    without: str | None = None,
) -> list[int]:
    """Return keys for `count` entries at a position among the `size` others."""
    left, right = _neighbours(session, playlist_id, position, size, without)
    keys = spread(left, right, count)
    if keys is None and right is not None:
        _make_room(session, playlist_id, right)
        keys = spread(left, right + GAP, count)
    assert keys is not None, "a gap holds more keys than a request may add"  # noqa: S101
    return keys


def _neighbours(
    session: Session, playlist_id: str, position: int, size: int, without: str | None
) -> tuple[int | None, int | None]:
    keys = select(Entry.sort_key).where(Entry.playlist_id == playlist_id)
    if without is not None:
        keys = keys.where(Entry.id != without)
    if position == size:  # the common case, at the end, must not count its way there
        return session.scalars(keys.order_by(Entry.sort_key.desc()).limit(1)).first(), None
    keys = keys.order_by(Entry.sort_key)
    if position == 0:
        return None, session.scalars(keys.limit(1)).one()
    left, right = session.scalars(keys.offset(position - 1).limit(2))
    return left, right


def _make_room(session: Session, playlist_id: str, start: int) -> None:
    """Move every key from `start` on up by one gap.

    By way of keys that nothing uses: databases check uniqueness row by row, in no given order.
    """
    for lowest, shift in ((start, BEYOND), (start + BEYOND, GAP - BEYOND)):
        session.execute(
            update(Entry)
            .where(Entry.playlist_id == playlist_id, Entry.sort_key >= lowest)
            .values(sort_key=Entry.sort_key + shift)
            .execution_options(synchronize_session=False)
        )
