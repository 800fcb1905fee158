"""Search."""

from typing import Any

from flask_openapi import APIBlueprint

from catalog.http.answers import SearchOut
from catalog.http.schemas import SearchQuery
from catalog.http.shared import show_list
from catalog.queries import search as queries
from common.auth import requires

api = APIBlueprint("search", __name__, url_prefix="/api/v1/search")


@api.get("", responses={200: SearchOut})
@requires(scope="catalog:read")
def search(query: SearchQuery) -> Any:
    """Find published tracks, albums and artists; accents and case do not matter."""
    return show_list(
        None,
        lambda session, _: queries.search(session, query.q, query.kinds, query.limit),
    )
