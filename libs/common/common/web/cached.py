"""Answers whose bytes are shared by everybody who may read them."""

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, current_app, request

from common.cache import Cache


def cached_json(*groups: str, load: Callable[[], Any]) -> Response:
    """Return `load()` as JSON, kept per path and query until one of `groups` changes.

    Only for answers that are the same for every caller.
    """
    cache: Cache | None = current_app.extensions["cache"]

    def render() -> bytes:
        return orjson.dumps(load(), option=orjson.OPT_UTC_Z)

    if cache is None:
        body = render()
    else:
        arguments = sorted(request.args.items(multi=True))
        body = cache.get_or_load(groups, f"{request.path}?{arguments}", render)
    return Response(body, mimetype="application/json")
