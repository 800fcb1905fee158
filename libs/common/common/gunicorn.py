"""gunicorn's configuration: `gunicorn -c python:common.gunicorn SERVICE.wsgi:app`."""

import os
import signal
import socket
import threading
from http import HTTPStatus
from types import FrameType
from typing import Any

import orjson
from gunicorn import util

from common.draining import start_draining

bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# Several workers share what the master imported; for a single one that costs more than it saves.
preload_app = workers > 1
# Longer than the gateway's (and an ALB's 60 s), or it would send into a closing connection.
keepalive = 75
timeout = 120
# The longest it can take: text that is not ASCII is three to twelve times as long in a URL.
limit_request_line = 8190
graceful_timeout = 20
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
        threading.Timer(_drain_seconds, os.kill, (server.pid, signal.SIGTERM)).start()

    signal.signal(signal.SIGTERM, drain)


def pre_request(_worker: Any, request: Any) -> None:
    """Announce that the connection closes after a large body, which may be answered unread.

    gunicorn reads on for 64 KiB at most and closes; a gateway that was not told has sent the next
    request by then, and that one fails.
    """
    headers = dict(request.headers)
    length = int(headers.get("CONTENT-LENGTH", 0))
    if length > _MAX_UNREAD_BYTES or "TRANSFER-ENCODING" in headers:
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
