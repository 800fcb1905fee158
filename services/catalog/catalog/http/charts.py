"""Charts."""

from typing import Any

from flask_openapi import APIBlueprint

from catalog.http.answers import Chart
from catalog.http.schemas import ChartQuery
from catalog.http.shared import show_list
from catalog.queries.charts import new_tracks, top_tracks
from common.auth import requires

api = APIBlueprint("charts", __name__, url_prefix="/api/v1/charts")


@api.get("/top", responses={200: Chart})
@requires(scope="catalog:read")
def top_chart(query: ChartQuery) -> Any:
    """Read which tracks have the most plays."""
    return show_list(None, lambda session, _: {"items": top_tracks(session, query.limit)})


@api.get("/new", responses={200: Chart})
@requires(scope="catalog:read")
def new_chart(query: ChartQuery) -> Any:
    """Read which tracks were published last."""
    return show_list(None, lambda session, _: {"items": new_tracks(session, query.limit)})
