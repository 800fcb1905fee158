"""One's liked tracks."""

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint

from common.auth import current_identity, requires
from common.errors import NotFound
from common.web import PageQuery, reading, writing
from common.web.schemas import page_of
from playlist.http.schemas import SavedTrackOut, SavedTrackPage, TrackPath
from playlist.queries.library import has_saved, list_saved_tracks
from playlist.services.library import save_track, unsave_track

api = APIBlueprint("library", __name__, url_prefix="/api/v1/me/tracks")


@api.get("", responses={200: SavedTrackPage})
@requires(scope="library:read")
def read_liked_tracks(query: PageQuery) -> Any:
    """List one's liked tracks, newest first."""
    with reading() as session:
        found = list_saved_tracks(session, current_identity(), **dict(query))
    return SavedTrackPage(**page_of(found, SavedTrackOut.model_validate))


@api.get("/<uuid:track_id>", responses={204: None})
@requires(scope="library:read")
def check_liked_track(path: TrackPath) -> Any:
    """Ask whether one likes a track: 204 if so, else 404."""
    with reading() as session:
        if not has_saved(session, current_identity().user_id, str(path.track_id)):
            raise NotFound("This track is not among your liked ones.")
    return Response(status=204)


@api.put("/<uuid:track_id>", responses={204: None})
@requires(scope="library:write")
def like_track(path: TrackPath) -> Any:
    """Like a track; again does no harm."""
    with writing() as session:
        save_track(session, current_identity(), str(path.track_id))
    return Response(status=204)


@api.delete("/<uuid:track_id>", responses={204: None})
@requires(scope="library:write")
def unlike_track(path: TrackPath) -> Any:
    """Take a like back; again does no harm."""
    with writing() as session:
        unsave_track(session, current_identity().user_id, str(path.track_id))
    return Response(status=204)
