"""`/metrics` in the Prometheus text format, on the service's own listener only."""

import os
import time

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client import REGISTRY as DEFAULT_REGISTRY
from prometheus_client.multiprocess import MultiProcessCollector

from common.auth import public

_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from the first byte of a request to its answer.",
    ["method", "route", "status"],
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def register_metrics(app: Flask) -> None:
    """Measure every request by route and expose the figures."""
    app.after_request(_observe)
    app.add_url_rule("/metrics", view_func=metrics)


@public
def metrics() -> Response:
    """Return the figures of all worker processes of this service."""
    registry: CollectorRegistry = DEFAULT_REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _observe(response: Response) -> Response:
    route = str(request.url_rule) if request.url_rule else "none"
    # A client may call its method anything; each label is kept for good.
    method = request.method if request.method in _METHODS else "other"
    _SECONDS.labels(method, route, str(response.status_code)).observe(
        time.perf_counter() - g.get("started", time.perf_counter())
    )
    return response
