"""What a listener's player has: a gateway that sends files, and HTTP."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response


class Gateway:
    """Sends what the application answers with X-Accel-Redirect, byte ranges too."""

    def __init__(self, app: Flask, root: Path) -> None:
        self._app, self._root = app, root

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        answer = Response.from_app(self._app.wsgi_app, environ)
        if "X-Accel-Redirect" in answer.headers:
            path = self._root / answer.headers["X-Accel-Redirect"].lstrip("/")
            if not path.is_file():
                return Response(status=404)(environ, start_response)
            # Not as an open file: who hangs up in the middle would leave it open.
            data = path.read_bytes()
            sent = Response(data, mimetype=answer.mimetype)
            sent.make_conditional(environ, accept_ranges=True, complete_length=len(data))
            kept = Headers([h for h in answer.headers if h[0] in ("Cache-Control", _DISPOSITION)])
            sent.headers.update(kept)
            answer = sent
        return answer(environ, start_response)


_DISPOSITION = "Content-Disposition"


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        pass


@contextmanager
def serve(app: Flask, root: Path) -> Iterator[str]:
    """Serve an application behind a gateway; give its URL."""
    server = make_server("127.0.0.1", 0, Gateway(app, root), threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
