"""`/metrics` and `/healthz` of a process that serves no other HTTP."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    make_wsgi_app,
)
from prometheus_client.exposition import ThreadingWSGIServer

from common.metrics.collector import StateCollector
from common.metrics.observer import observe_with
from common.metrics.prometheus import PrometheusObserver
from common.metrics.state import State

STALLED_SECONDS = 120.0
"""Without getting round for so long a loop hangs: its longest steps take seconds."""

Respond = Callable[[str, list[tuple[str, str]]], Any]


def serve(bind: str, state: State, loops: Sequence[str]) -> WSGIServer:
    """Answer on `host:port` in a thread, and listen to what happens here; exits if it cannot."""
    disable_created_metrics()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(StateCollector(state))
    observer = PrometheusObserver(registry, state.service, loops)
    health = Health(observer.rounds, state.everything_answers)
    server = _listen(bind, _application(registry, health))
    observe_with(observer)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


class Health:
    """Judges whether all loops of this process get round."""

    def __init__(self, rounds: dict[str, float], everything_answers: Callable[[], bool]) -> None:
        self._rounds = rounds
        self._everything_answers = everything_answers
        self._excused_at = 0.0

    def stalled(self) -> list[str]:
        """Return the loops that hang. While database or broker is away all may wait for it."""
        silent = self._silent()
        if silent and not self._everything_answers():
            # Ending the process would bring neither back, only lose what it is in the middle of.
            self._excused_at = time.monotonic()
            return []
        return silent

    def _silent(self) -> list[str]:
        oldest = time.monotonic() - STALLED_SECONDS
        rounds = self._rounds.items()
        return sorted(loop for loop, at in rounds if max(at, self._excused_at) < oldest)


def _application(registry: CollectorRegistry, health: Health) -> Callable[..., Iterable[bytes]]:
    metrics = make_wsgi_app(registry)

    def application(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            answer: Iterable[bytes] = metrics(environ, respond)
            return answer
        status, text = _answer(environ["PATH_INFO"], health)
        respond(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [text.encode()]

    return application


def _answer(path: str, health: Health) -> tuple[str, str]:
    if path != "/healthz":
        return "404 Not Found", "Here are /metrics and /healthz.\n"
    if stalled := health.stalled():
        return "503 Service Unavailable", f"stalled: {', '.join(stalled)}\n"
    return "200 OK", "ok\n"


def _listen(bind: str, application: Any) -> WSGIServer:
    host, _, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal():
        raise SystemExit(f"METRICS_BIND is {bind!r}; it must be host:port, such as 0.0.0.0:9100.")

    class Server(ThreadingWSGIServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    try:
        return make_server(host, int(port), application, Server, handler_class=_QuietHandler)
    except (OSError, OverflowError) as error:
        raise SystemExit(f"METRICS_BIND is {bind!r}, which cannot be used: {error}") from None


class _QuietHandler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name there
        """Keep scrapes out of the log."""
