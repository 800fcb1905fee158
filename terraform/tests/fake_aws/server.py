"""Moto's AWS on a free port of the loopback, with what moto lacks.

Prints the port; ends when its stdin is closed, so that it never outlives who started it.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from fake_aws import autoscaling, ec2, ecs, elasticache, rds

Start = Callable[..., Any]


class _FailAtOnce:
    """The provider repeats a call that was answered with 500 for minutes; so no 500."""

    def __init__(self, application: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if status.startswith("500"):
                path, target = environ["PATH_INFO"], environ.get("HTTP_X_AMZ_TARGET", "")
                print(f"not in moto: {environ['REQUEST_METHOD']} {path} {target}", file=sys.stderr)
                status = "400 Bad Request"
            return start(status, headers, *more)

        return self._application(environ, begin)


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc]
    def log_request(self, *arguments: Any) -> None:
        """Thousands of lines would hide the few that matter."""


def main() -> None:
    """Serve until stdin ends."""
    for gap in (autoscaling, ec2, ecs, elasticache, rds):
        gap.fill()
    server = make_server(
        "127.0.0.1",
        0,
        _FailAtOnce(DomainDispatcherApplication(create_backend_app)),
        threaded=True,
        request_handler=_QuietHandler,
    )

    def stop_with_stdin() -> None:
        sys.stdin.read()
        server.shutdown()

    threading.Thread(target=stop_with_stdin, daemon=True).start()
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
