"""Entries of a playlist."""

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint

from common.auth import current_identity, requires
from common.web import PageQuery, idempotent, reading, writing
from common.web.schemas import page_of
from playlist.http.schemas import (
    FULL,
    STALE,
    EntriesNew,
    EntriesOut,
    EntryMove,
    EntryOut,
    EntryPage,
    EntryPath,
    IfMatch,
    PlaylistPath,
)
from playlist.http.versions import expected_versions, version_header
from playlist.queries.entries import list_entries, read_entries
from playlist.queries.playlists import find_playlist
from playlist.services.entries import add_entries, move_entry, remove_entry

api = APIBlueprint("entries", __name__, url_prefix="/api/v1/playlists/<uuid:playlist_id>/entries")


@api.get("", responses={200: EntryPage})
@requires(scope="playlist:read")
def read_playlist_entries(path: PlaylistPath, query: PageQuery) -> Any:
    """List a playlist's entries in order."""
    reader, playlist_id = current_identity(), str(path.playlist_id)
    with reading() as session:
        find_playlist(session, playlist_id, reader)
        found = list_entries(session, playlist_id, reader, **dict(query))
    return EntryPage(**page_of(found, EntryOut.model_validate))


@api.post("", responses={201: EntriesOut, 409: FULL, 412: STALE})
@requires(scope="playlist:write")
@idempotent
def add_playlist_entries(path: PlaylistPath, header: IfMatch, body: EntriesNew) -> Any:
    """Add tracks to a playlist: all or none of them."""
    editor, playlist_id = current_identity(), str(path.playlist_id)
    with writing() as session:
        playlist, entry_ids = add_entries(
            session,
            playlist_id,
            editor,
            versions=expected_versions(header),
            track_ids=[str(track_id) for track_id in body.track_ids],
            position=body.position,
        )
        items = read_entries(session, playlist_id, editor, entry_ids)
    return EntriesOut.model_validate({"items": items}), 201, version_header(playlist)


@api.patch("/<uuid:entry_id>", responses={200: EntryOut, 412: STALE})
@requires(scope="playlist:write")
def move_playlist_entry(path: EntryPath, header: IfMatch, body: EntryMove) -> Any:
    """Move an entry to another position."""
    editor, playlist_id, entry_id = current_identity(), str(path.playlist_id), str(path.entry_id)
    versions = expected_versions(header)
    with writing() as session:
        playlist = move_entry(
            session, playlist_id, editor, versions=versions, entry_id=entry_id, **dict(body)
        )
        (item,) = read_entries(session, playlist_id, editor, [entry_id])
    return EntryOut.model_validate(item), 200, version_header(playlist)


@api.delete("/<uuid:entry_id>", responses={204: None, 412: STALE})
@requires(scope="playlist:write")
def remove_playlist_entry(path: EntryPath, header: IfMatch) -> Any:
    """Take an entry off a playlist."""
    editor, playlist_id, entry_id = current_identity(), str(path.playlist_id), str(path.entry_id)
    versions = expected_versions(header)
    with writing() as session:
        playlist = remove_entry(session, playlist_id, editor, versions=versions, entry_id=entry_id)
    return Response(status=204, headers=version_header(playlist))
