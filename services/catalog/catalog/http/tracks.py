"""Tracks."""

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint
from sqlalchemy.orm import Session

from catalog.http.answers import Deletions, TrackOut, TrackPage
from catalog.http.schemas import BulkDelete, TrackChange, TrackIn, TrackPath, TrackQuery
from catalog.http.shared import show_list, show_one
from catalog.queries import tracks as queries
from catalog.services import tracks as services
from common.auth import Identity, current_identity, requires
from common.web import idempotent, writing

api = APIBlueprint("tracks", __name__, url_prefix="/api/v1/tracks")


@api.get("", responses={200: TrackPage})
@requires(scope="catalog:read")
def list_tracks(query: TrackQuery) -> Any:
    """List tracks."""
    narrow = queries.TrackFilter(
        artist_id=str(query.artist_id) if query.artist_id else None,
        album_id=str(query.album_id) if query.album_id else None,
        genre=query.genre,
        state=query.state,
    )
    return show_list(
        query.owner_id,
        lambda session, view: queries.list_tracks(
            session, view, narrow, sort=query.sort, limit=query.limit, cursor=query.cursor
        ),
    )


@api.get("/<uuid:track_id>", responses={200: TrackOut})
@requires(scope="catalog:read")
def read_track(path: TrackPath) -> Any:
    """Read a track."""
    track_id = str(path.track_id)
    return show_one("track", lambda session, viewer: queries.find_track(session, track_id, viewer))


@api.post("", responses={201: TrackOut})
@requires(scope="catalog:write")
@idempotent
def create_track(body: TrackIn) -> Any:
    """Make a draft of one's own, without audio."""
    editor = current_identity()
    with writing() as session:
        track = services.create_track(session, editor.user_id, body.given())
        return _shown(session, track.id, editor), 201


@api.patch("/<uuid:track_id>", responses={200: TrackOut, 409: None})
@requires(scope="catalog:write")
def change_track(path: TrackPath, body: TrackChange) -> Any:
    """Change a track of one's own: hide it, show it again, or say more of it."""
    editor = current_identity()
    with writing() as session:
        services.update_track(session, editor, str(path.track_id), body.given())
        return _shown(session, str(path.track_id), editor)


@api.delete("/<uuid:track_id>", responses={204: None})
@requires(scope="catalog:write")
def delete_track(path: TrackPath) -> Any:
    """Delete a track of one's own; its audio goes, too."""
    with writing() as session:
        services.delete_track(session, current_identity(), str(path.track_id))
    return Response(status=204)


@api.post("/bulk-delete", responses={200: Deletions})
@requires(scope="catalog:write")
def delete_tracks(body: BulkDelete) -> Any:
    """Delete many tracks of one's own; the answer says of each what became of it."""
    ids = list(dict.fromkeys(map(str, body.track_ids)))
    with writing() as session:
        outcomes = services.delete_tracks(session, current_identity(), ids)
    return {"results": [{"track_id": id_, "status": status} for id_, status in outcomes]}


def _shown(session: Session, track_id: str, editor: Identity) -> Any:
    session.flush()
    return queries.find_track(session, track_id, editor)
