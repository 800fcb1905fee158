"""The words of tracks."""

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint

from catalog.http.answers import LyricsOut
from catalog.http.schemas import LyricsIn, TrackPath
from catalog.http.shared import show_one
from catalog.queries.tracks import find_lyrics
from catalog.services import lyrics as services
from common.auth import current_identity, requires
from common.web import writing

api = APIBlueprint("lyrics", __name__, url_prefix="/api/v1/tracks/<uuid:track_id>/lyrics")


@api.get("", responses={200: LyricsOut})
@requires(scope="catalog:read")
def read_lyrics(path: TrackPath) -> Any:
    """Read a track's lyrics."""
    track_id = str(path.track_id)
    return show_one(
        "track with lyrics", lambda session, viewer: find_lyrics(session, track_id, viewer)
    )


@api.put("", responses={200: LyricsOut})
@requires(scope="catalog:write")
def write_lyrics(path: TrackPath, body: LyricsIn) -> Any:
    """Set the lyrics of a track of one's own."""
    with writing() as session:
        lyrics = services.write_lyrics(
            session,
            current_identity(),
            str(path.track_id),
            plain=body.plain,
            synced=body.synced,
        )
        return LyricsOut.model_validate(lyrics)


@api.delete("", responses={204: None})
@requires(scope="catalog:write")
def delete_lyrics(path: TrackPath) -> Any:
    """Remove the lyrics of a track of one's own."""
    with writing() as session:
        services.delete_lyrics(session, current_identity(), str(path.track_id))
    return Response(status=204)
