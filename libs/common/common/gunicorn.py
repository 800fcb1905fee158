"""gunicorn's configuration: `gunicorn -c python:common.gunicorn SERVICE.wsgi:app`."""

import os
import signal
import socket
from http import HTTPStatus
from types import FrameType
from typing import Any

import orjson
from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from common.draining import is_draining, start_draining


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker that answers the connections made before it stops, and refuses later ones.

    gunicorn's own leaves them waiting on an open listener, to be reset when it ends.
    """

    def handle(self, conn: Any) -> Any:
        """Answer a request; False if its connection is closed."""
        kept = super().handle(conn)
        if not kept:
            # gunicorn would do so in its main thread: who is slow to hang up would hold up all.
            conn.close(graceful=True)
            conn.close = _is_closed
        return kept

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept connections or not; when stopping, close the listeners once none waits."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                self._accept_waiting(listener)
                listener.close()

    def _accept_waiting(self, listener: Any) -> None:
        accepted = -1
        while accepted != self.nr_conns:
            accepted = self.nr_conns
            self.accept(listener)


def _is_closed(*, graceful: bool = False) -> None:
    """Do nothing, for a connection that is closed already."""


bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
worker_class = Worker
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# Several workers share what the master imported; for a single one that costs more than it saves.
preload_app = workers > 1
# Longer than what is in front keeps one (the gateway 30 s), or it would send into a closing one.
keepalive = int(os.environ.get("WEB_KEEPALIVE_SECONDS", "75"))
timeout = 120
# The longest it can take: text that is not ASCII is three to twelve times as long in a URL.
limit_request_line = 8190
# What requests under way still get after the drain, such as an upload; then they are cut off.
graceful_timeout = int(os.environ.get("WEB_GRACEFUL_SECONDS", "20"))
# A slow disk must not look like a hung worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True

_drain_seconds = float(os.environ.get("WEB_DRAIN_SECONDS", "5"))
_MAX_UNREAD_BYTES = 32 * 1024


def when_ready(server: Any) -> None:
    """On SIGTERM answer 503 on /healthz and serve on: gunicorn by itself unlinks at once."""
    stop_at_once = signal.getsignal(signal.SIGTERM)

    def drain(_number: int, _frame: FrameType | None) -> None:
        start_draining()
        signal.signal(signal.SIGTERM, stop_at_once)
        # No thread: one that waits would hold up the end when a second SIGTERM asks for it.
        signal.signal(signal.SIGALRM, lambda *_: os.kill(server.pid, signal.SIGTERM))
        signal.setitimer(signal.ITIMER_REAL, max(_drain_seconds, 0.001))

    signal.signal(signal.SIGTERM, drain)


def pre_request(_worker: Any, request: Any) -> None:
    """Announce that the connection closes after this request, where it does.

    A gateway that was not told sends its next request into the closing connection, and that one
    fails. While draining every connection closes. After a large body, which may be answered
    unread, gunicorn reads on for 64 KiB at most and closes.
    """
    headers = dict(request.headers)
    length = int(headers.get("CONTENT-LENGTH", 0))
    if is_draining() or length > _MAX_UNREAD_BYTES or "TRANSFER-ENCODING" in headers:
        request.force_close()


def _write_problem(connection: socket.socket, status: int, _reason: str, message: str) -> None:
    """Answer what gunicorn refuses by itself as problem details too (RFC 9457)."""
    title = HTTPStatus(status).phrase
    problem = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": message or HTTPStatus(status).description,
        "request_id": "",  # not known yet; the gateway's is in X-Request-Id
    }
    body = orjson.dumps(problem)
    head = (
        f"HTTP/1.1 {status} {title}\r\nConnection: close\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(connection, head.encode("ascii") + body)


util.write_error = _write_problem  # gunicorn has no setting for it
