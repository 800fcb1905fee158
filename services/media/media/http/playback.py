"""Playing a track: signed links for those who may hear it."""

from dataclasses import asdict
from typing import Any

from flask import current_app
from flask_openapi import APIBlueprint

from common.auth import current_identity, requires
from common.web import reading
from media.http.schemas import PlaybackOut, TrackPath
from media.queries.tracks import find_playable
from media.services.playback import open_playback

api = APIBlueprint("playback", __name__, url_prefix="/api/v1/playback")


@api.post("/<uuid:track_id>", responses={200: PlaybackOut})
@requires(scope="playback:read")
def start_playback(path: TrackPath) -> Any:
    """Get links that play a track."""
    identity = current_identity()
    with reading() as session:
        track, asset = find_playable(session, str(path.track_id), identity)
        playback = open_playback(current_app.extensions["links"], track, asset, identity)
    return PlaybackOut.model_validate(asdict(playback)), 200, {"Cache-Control": "no-store"}
