"""Genres."""

from typing import Any

from flask_openapi import APIBlueprint

from catalog.http.answers import GenreDetail, GenrePage
from catalog.http.schemas import GenrePath
from catalog.http.shared import show_list, show_one
from catalog.queries import genres as queries
from common.auth import requires
from common.web import PageQuery

api = APIBlueprint("genres", __name__, url_prefix="/api/v1/genres")


@api.get("", responses={200: GenrePage})
@requires(scope="catalog:read")
def list_genres(query: PageQuery) -> Any:
    """List the genres that published tracks are of."""
    return show_list(
        None,
        lambda session, _: queries.list_genres(session, limit=query.limit, cursor=query.cursor),
    )


@api.get("/<uuid:genre_id>", responses={200: GenreDetail})
@requires(scope="catalog:read")
def read_genre(path: GenrePath) -> Any:
    """Read a genre with the first page of tracks."""
    genre_id = str(path.genre_id)
    return show_one("genre", lambda session, _: queries.find_genre(session, genre_id))
