"""Browsers on other origins (Fetch standard, CORS protocol): an exact list, nothing by default."""

from collections.abc import Sequence

from flask import Flask, Response, request

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id"
_EXPOSED = "ETag, Link, Location, Retry-After, traceresponse, X-Request-Id"


def register_cors(app: Flask, origins: Sequence[str]) -> None:
    """Answer preflights and mark responses for the listed origins only."""
    allowed = frozenset(origins)

    def preflight() -> Response | None:
        asks = "Access-Control-Request-Method" in request.headers
        if request.method != "OPTIONS" or not asks:
            return None
        response = Response(status=204)
        if request.headers.get("Origin") in allowed:
            response.headers["Access-Control-Allow-Methods"] = _METHODS
            response.headers["Access-Control-Allow-Headers"] = _HEADERS
            response.headers["Access-Control-Max-Age"] = "600"
        return response

    def mark(response: Response) -> Response:
        if allowed:
            response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin in allowed and "Access-Control-Allow-Origin" not in response.headers:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        return response

    app.before_request(preflight)
    app.after_request(mark)
