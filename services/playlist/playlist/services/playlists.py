"""Making, changing and deleting playlists."""

from collections.abc import Set

from sqlalchemy.orm import Session

from common.auth import Identity
from playlist.events import PlaylistCreated, PlaylistUpdated, emit_playlist, emit_playlist_gone
from playlist.models import Playlist, Visibility
from playlist.queries.playlists import lock_playlist


def create_playlist(
    session: Session, owner_id: str, *, name: str, description: str, visibility: Visibility
) -> Playlist:
    """Make an empty playlist."""
    playlist = Playlist(
        owner_id=owner_id, name=name, description=description, visibility=visibility
    )
    session.add(playlist)
    session.flush()
    emit_playlist(session, PlaylistCreated, playlist)
    return playlist


def change_playlist(
    session: Session,
    playlist_id: str,
    editor: Identity,
    *,
    versions: Set[int] | None,
    name: str | None,
    description: str | None,
    visibility: Visibility | None,
) -> Playlist:
    """Change what is given; raises NotFound, Forbidden or PreconditionFailed."""
    playlist = lock_playlist(session, playlist_id, editor, versions)
    wanted = {"name": name, "description": description, "visibility": visibility}
    changes = {
        field: value
        for field, value in wanted.items()
        if value is not None and value != getattr(playlist, field)
    }
    if changes:
        for field, value in changes.items():
            setattr(playlist, field, value)
        playlist.change()
        emit_playlist(session, PlaylistUpdated, playlist)
    return playlist


def delete_playlist(
    session: Session, playlist_id: str, editor: Identity, *, versions: Set[int] | None
) -> None:
    """Delete a playlist with its entries; raises NotFound, Forbidden or PreconditionFailed."""
    drop_playlist(session, lock_playlist(session, playlist_id, editor, versions))


def drop_playlist(session: Session, playlist: Playlist) -> None:
    """Delete a locked playlist and say so; the database deletes its entries."""
    playlist.change()
    emit_playlist_gone(session, playlist)
    session.delete(playlist)
