"""Artists."""

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint

from catalog.http.answers import ArtistDetail, ArtistOut, ArtistPage
from catalog.http.schemas import ArtistChange, ArtistIn, ArtistPath, ArtistQuery
from catalog.http.shared import show_list, show_one
from catalog.queries import artists as queries
from catalog.services import artists as services
from common.auth import current_identity, requires
from common.web import idempotent, writing

api = APIBlueprint("artists", __name__, url_prefix="/api/v1/artists")


@api.get("", responses={200: ArtistPage})
@requires(scope="catalog:read")
def list_artists(query: ArtistQuery) -> Any:
    """List artists."""
    return show_list(
        query.owner_id,
        lambda session, view: queries.list_artists(
            session, view, sort=query.sort, limit=query.limit, cursor=query.cursor
        ),
    )


@api.get("/<uuid:artist_id>", responses={200: ArtistDetail})
@requires(scope="catalog:read")
def read_artist(path: ArtistPath) -> Any:
    """Read an artist with the first page of albums."""
    artist_id = str(path.artist_id)
    return show_one(
        "artist", lambda session, viewer: queries.find_artist(session, artist_id, viewer)
    )


@api.post("", responses={201: ArtistOut, 409: None})
@requires(scope="catalog:write")
@idempotent
def create_artist(body: ArtistIn) -> Any:
    """Make an artist of one's own."""
    with writing() as session:
        artist = services.create_artist(
            session, current_identity().user_id, name=body.name, image_url=body.image_url
        )
        return ArtistOut.model_validate(artist), 201


@api.patch("/<uuid:artist_id>", responses={200: ArtistOut, 409: None})
@requires(scope="catalog:write")
def change_artist(path: ArtistPath, body: ArtistChange) -> Any:
    """Change an artist of one's own."""
    with writing() as session:
        artist = services.update_artist(
            session, current_identity(), str(path.artist_id), body.given()
        )
        return ArtistOut.model_validate(artist)


@api.delete("/<uuid:artist_id>", responses={204: None, 409: None})
@requires(scope="catalog:write")
def delete_artist(path: ArtistPath) -> Any:
    """Delete an artist of one's own that no track and no album names."""
    with writing() as session:
        services.delete_artist(session, current_identity(), str(path.artist_id))
    return Response(status=204)
