"""Albums."""

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint
from sqlalchemy.orm import Session

from catalog.http.answers import AlbumDetail, AlbumPage
from catalog.http.schemas import AlbumChange, AlbumIn, AlbumPath, AlbumQuery
from catalog.http.shared import show_list, show_one
from catalog.queries import albums as queries
from catalog.services import albums as services
from common.auth import Identity, current_identity, requires
from common.web import idempotent, writing

api = APIBlueprint("albums", __name__, url_prefix="/api/v1/albums")


@api.get("", responses={200: AlbumPage})
@requires(scope="catalog:read")
def list_albums(query: AlbumQuery) -> Any:
    """List albums."""
    return show_list(
        query.owner_id,
        lambda session, view: queries.list_albums(
            session,
            view,
            artist_id=str(query.artist_id) if query.artist_id else None,
            sort=query.sort,
            limit=query.limit,
            cursor=query.cursor,
        ),
    )


@api.get("/<uuid:album_id>", responses={200: AlbumDetail})
@requires(scope="catalog:read")
def read_album(path: AlbumPath) -> Any:
    """Read an album with its tracks."""
    album_id = str(path.album_id)
    return show_one("album", lambda session, viewer: queries.find_album(session, album_id, viewer))


@api.post("", responses={201: AlbumDetail, 409: None})
@requires(scope="catalog:write")
@idempotent
def create_album(body: AlbumIn) -> Any:
    """Make an album of an artist of one's own."""
    editor = current_identity()
    with writing() as session:
        fields = body.model_dump() | {"artist_id": str(body.artist_id)}
        album = services.create_album(session, editor.user_id, **fields)
        return _shown(session, album.id, editor), 201


@api.patch("/<uuid:album_id>", responses={200: AlbumDetail, 409: None})
@requires(scope="catalog:write")
def change_album(path: AlbumPath, body: AlbumChange) -> Any:
    """Change an album of one's own."""
    editor = current_identity()
    with writing() as session:
        album = services.update_album(session, editor, str(path.album_id), body.given())
        return _shown(session, album.id, editor)


@api.delete("/<uuid:album_id>", responses={204: None, 409: None})
@requires(scope="catalog:write")
def delete_album(path: AlbumPath) -> Any:
    """Delete an album of one's own that no track is on."""
    with writing() as session:
        services.delete_album(session, current_identity(), str(path.album_id))
    return Response(status=204)


def _shown(session: Session, album_id: str, editor: Identity) -> Any:
    session.flush()
    return queries.find_album(session, album_id, editor)
