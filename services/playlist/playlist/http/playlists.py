"""Playlists."""

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint

from common.auth import current_identity, requires
from common.web import PageQuery, idempotent, reading, writing
from common.web.schemas import page_of
from playlist.http.schemas import (
    STALE,
    FirstPageQuery,
    IfMatch,
    PlaylistChange,
    PlaylistNew,
    PlaylistOut,
    PlaylistPage,
    PlaylistPath,
    PlaylistWithEntriesOut,
)
from playlist.http.versions import expected_versions, tagged, version_header
from playlist.queries.entries import list_entries
from playlist.queries.playlists import find_playlist, list_playlists
from playlist.services.playlists import change_playlist, create_playlist, delete_playlist

api = APIBlueprint("playlists", __name__, url_prefix="/api/v1/playlists")


@api.post("", responses={201: PlaylistOut})
@requires(scope="playlist:write")
@idempotent
def make_playlist(body: PlaylistNew) -> Any:
    """Make a playlist."""
    with writing() as session:
        playlist = create_playlist(session, current_identity().user_id, **dict(body))
    headers = version_header(playlist) | {"Location": f"/api/v1/playlists/{playlist.id}"}
    return PlaylistOut.model_validate(playlist), 201, headers


@api.get("", responses={200: PlaylistPage})
@requires(scope="playlist:read")
def read_playlists(query: PageQuery) -> Any:
    """List one's own playlists, newest first."""
    with reading() as session:
        found = list_playlists(session, current_identity().user_id, **dict(query))
    return PlaylistPage(**page_of(found, PlaylistOut.model_validate))


@api.get("/<uuid:playlist_id>", responses={200: PlaylistWithEntriesOut})
@requires(scope="playlist:read")
def read_playlist(path: PlaylistPath, query: FirstPageQuery) -> Any:
    """Read a playlist with its first entries."""
    reader, playlist_id = current_identity(), str(path.playlist_id)
    with reading() as session:
        playlist = find_playlist(session, playlist_id, reader)
        found = list_entries(session, playlist_id, reader, limit=query.limit, cursor=None)
    own = PlaylistOut.model_validate(playlist)
    body = PlaylistWithEntriesOut(
        **dict(own), entries=list(found.rows), next_cursor=found.next_cursor
    )
    return tagged(body, playlist.version)


@api.patch("/<uuid:playlist_id>", responses={200: PlaylistOut, 412: STALE})
@requires(scope="playlist:write")
def update_playlist(path: PlaylistPath, header: IfMatch, body: PlaylistChange) -> Any:
    """Change a playlist's name, description or visibility."""
    editor, versions = current_identity(), expected_versions(header)
    with writing() as session:
        playlist = change_playlist(
            session, str(path.playlist_id), editor, versions=versions, **dict(body)
        )
    return PlaylistOut.model_validate(playlist), 200, version_header(playlist)


@api.delete("/<uuid:playlist_id>", responses={204: None, 412: STALE})
@requires(scope="playlist:write")
def remove_playlist(path: PlaylistPath, header: IfMatch) -> Any:
    """Delete a playlist."""
    editor, versions = current_identity(), expected_versions(header)
    with writing() as session:
        delete_playlist(session, str(path.playlist_id), editor, versions=versions)
    return Response(status=204)
