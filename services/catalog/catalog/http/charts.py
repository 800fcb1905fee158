"""Charts."""

from collections.abc import Callable
from typing import Any

from flask_openapi import APIBlueprint
from sqlalchemy.orm import Session

from catalog.http.answers import Chart
from catalog.http.schemas import ChartQuery
from catalog.http.shared import read
from catalog.queries.charts import new_tracks, top_tracks
from catalog.services.changes import CACHE_GROUP
from catalog.services.plays import CHARTS_GROUP
from common.auth import requires
from common.web import cached_json

api = APIBlueprint("charts", __name__, url_prefix="/api/v1/charts")


@api.get("/top", responses={200: Chart})
@requires(scope="catalog:read")
def top_chart(query: ChartQuery) -> Any:
    """Read which tracks have the most plays."""
    return _show(lambda session: {"items": top_tracks(session, query.limit)})


@api.get("/new", responses={200: Chart})
@requires(scope="catalog:read")
def new_chart(query: ChartQuery) -> Any:
    """Read which tracks were published last."""
    return _show(lambda session: {"items": new_tracks(session, query.limit)})


def _show(load: Callable[[Session], Any]) -> Any:
    """Answer from the cache until the catalog changes or somebody plays something."""
    return cached_json(CACHE_GROUP, CHARTS_GROUP, load=lambda: read(load))
