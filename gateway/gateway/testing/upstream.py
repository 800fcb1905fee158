"""A small real service on a unix socket, for tests of the gateway."""

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer


@dataclass(frozen=True)
class Seen:
    """A whole request as the service received it."""

    method: str
    target: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the service answers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


# None: close the connection without an answer.
Answer = Callable[[Seen], Reply | None]


def json_reply(value: object, **headers: str) -> Reply:
    """Return a JSON answer; keyword `ETag=...` and the like become headers."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(200, {"Content-Type": "application/json", **named}, json.dumps(value).encode())


class Upstream:
    """One service: answers as `answer` says, keeps what it saw, is healthy as long as `healthy`."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self.seen: list[Seen] = []
        self.healthy = True
        self.health_checks = 0
        self.answer: Answer = self.named
        self._server: _Server | None = None

    @property
    def address(self) -> str:
        """The address as the gateway takes it."""
        return f"unix/{self.path}"

    def named(self, _seen: Seen) -> Reply:
        """Answer with the name of this service."""
        return json_reply({"service": self.name})

    def reset(self) -> None:
        """Forget all requests and answer plainly again."""
        self.seen.clear()
        self.answer = self.named

    def start(self) -> None:
        """Listen on the socket, in threads of its own."""
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening and take the socket away; stopping twice is fine."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self.path.unlink()

    def reply(self, seen: Seen) -> Reply | None:
        """Answer a health check or hand the request to `answer`."""
        if seen.target == "/healthz":
            self.health_checks += 1
            return Reply(200 if self.healthy else 503)
        self.seen.append(seen)
        return self.answer(seen)


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        super().__init__(str(upstream.path), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle(self) -> None:
        # The gateway hangs up on a request it refuses halfway; that is no fault of the test.
        with contextlib.suppress(ConnectionError):
            super().handle()

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            self.close_connection = True
            return
        reply = self.server.upstream.reply(Seen(self.command, self.path, self.headers, body))
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, text in reply.headers.items():
            self.send_header(name, text)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _read_body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return self._read_chunks()
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _read_chunks(self) -> bytes | None:
        chunks: list[bytes] = []
        while line := self.rfile.readline():
            chunk = self.rfile.read(int(line, 16) + 2)[:-2]
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
        return None

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the parent's name)
        """Say nothing: tests read what was seen."""

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815
