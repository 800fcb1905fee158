"""One's listening history."""

from typing import Any

from flask_openapi import APIBlueprint

from common.auth import current_identity, requires
from common.web import PageQuery, idempotent, reading, writing
from common.web.schemas import page_of
from playlist.http.schemas import ListedPlay, PlayNew, PlayOut, PlayPage
from playlist.queries.library import list_plays
from playlist.services.history import record_play

api = APIBlueprint("history", __name__, url_prefix="/api/v1/me/history")


@api.post("", responses={201: PlayOut, 200: PlayOut})
@requires(scope="library:write")
@idempotent
def add_play(body: PlayNew) -> Any:
    """Tell of a listen; 200 and the first answer again when its `play_id` is known."""
    with writing() as session:
        play, is_new = record_play(
            session,
            current_identity(),
            track_id=str(body.track_id),
            played_ms=body.played_ms,
            played_at=body.played_at,
            play_id=str(body.play_id) if body.play_id else None,
        )
    return PlayOut.model_validate(play), 201 if is_new else 200


@api.get("", responses={200: PlayPage})
@requires(scope="library:read")
def read_history(query: PageQuery) -> Any:
    """List what one listened to, newest first."""
    with reading() as session:
        found = list_plays(session, current_identity(), **dict(query))
    return PlayPage(**page_of(found, ListedPlay.model_validate))
