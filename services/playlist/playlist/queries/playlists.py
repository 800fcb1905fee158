"""Finding playlists that somebody may read or change."""

from collections.abc import Set

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.auth import Identity
from common.db import Page, page
from common.errors import Forbidden, NotFound
from playlist.models import Playlist


def find_playlist(
    session: Session, playlist_id: str, reader: Identity, *, lock: bool = False
) -> Playlist:
    """Return the playlist; raises NotFound, also for one that the reader may not know of."""
    playlist = session.get(Playlist, playlist_id, with_for_update=lock or None)
    if playlist is None or not (playlist.is_open or reader.may_edit(playlist.owner_id)):
        raise NotFound("There is no such playlist.")
    return playlist


def lock_playlist(
    session: Session, playlist_id: str, editor: Identity, versions: Set[int] | None
) -> Playlist:
    """Return the playlist locked until the transaction ends, so that changes come one by one.

    Raises NotFound, Forbidden, or PreconditionFailed when it is at none of `versions`.
    """
    playlist = find_playlist(session, playlist_id, editor, lock=True)
    if not editor.may_edit(playlist.owner_id):
        raise Forbidden("Only its owner may change this playlist.")
    playlist.expect(versions)
    return playlist


def list_playlists(session: Session, owner_id: str, *, limit: int, cursor: str | None) -> Page:
    """Return a page of the owner's playlists, newest first."""
    # Ids are UUIDv7: their order is the order of creation.
    query = select(Playlist).where(Playlist.owner_id == owner_id)
    return page(session, query, order_by=[Playlist.id], limit=limit, cursor=cursor, descending=True)
