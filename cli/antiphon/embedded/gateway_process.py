"""The gateway of the embedded mode: its port, its Caddyfile, its process."""

import errno
import socket
from pathlib import Path

from antiphon.embedded.folder import CannotStartError
from antiphon.embedded.services import (
    START_GATEWAY,
    STOP_GATEWAY,
    Installation,
    base_environment,
    http_probe,
)
from antiphon.supervisor.plan import Process
from gateway.binary import CaddyNotFoundError, caddy_environment, find_caddy, run_command
from gateway.caddyfile import render
from gateway.options import GatewayOptions
from gateway.routes import SERVICES, load_routes

_GRACE_SECONDS = 3.0
# The only web of a service is up again 4 s after it ended, on a busy machine 13: requests wait.
_BRIDGE_SECONDS = 20.0
_STOP_SECONDS = 5.0
_CONNECT_SECONDS = 0.5
# What surrounds the file in a multipart request.
_FORM_BYTES = 1024 * 1024


def check_port(port: int) -> None:
    """Raise CannotStartError unless the gateway can listen on this port of 127.0.0.1."""
    taken = CannotStartError(
        f"Port {port} is taken by another program. Choose another one: "
        f"ANTIPHON_PORT={port + 1 if port < 65535 else 8080} make run, "
        "or antiphon up --port with the folder you use."
    )
    # What listens on ::1 only would get the requests of clients that try IPv6 first.
    if _answers("127.0.0.1", port) or _answers("::1", port):
        raise taken
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise taken from None
            raise CannotStartError(
                f"Port {port} cannot be used: {error.strerror}. Choose another one: "
                "antiphon up --port 8080"
            ) from error


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def gateway_process(installation: Installation) -> Process:
    """Write the Caddyfile and return the process; raises CannotStartError."""
    caddyfile = Path(installation.run_dir, "Caddyfile")
    upstreams = {service: [f"unix/{installation.socket(service)}"] for service in SERVICES}
    try:
        options = GatewayOptions(
            media_root=installation.folder.media,
            listen=f"127.0.0.1:{installation.port}",
            bridge_seconds=_BRIDGE_SECONDS,
            grace_seconds=_GRACE_SECONDS,
            **_upload_limit(installation),
        )
        caddyfile.write_text(render(load_routes(), upstreams, options))
        command = run_command(find_caddy(), caddyfile)
    except (CaddyNotFoundError, ValueError) as error:
        raise CannotStartError(f"The gateway cannot be set up: {error}") from error
    state = caddy_environment(Path(installation.run_dir, "caddy"))
    return Process(
        "gateway",
        tuple(command),
        {**base_environment(installation), **state},
        start_stage=START_GATEWAY,
        stop_stage=STOP_GATEWAY,
        probe=http_probe(f"127.0.0.1:{installation.port}", "/.well-known/jwks.json"),
        stop_seconds=_STOP_SECONDS,
        shown_level="error",  # it warns of nothing that a person here could mend
    )


def _upload_limit(installation: Installation) -> dict[str, dict[str, int]]:
    """Let through what media itself takes, when its user has set how much that is."""
    given = installation.environ.get("MEDIA_MAX_UPLOAD_BYTES")
    if given is None:
        return {}
    if not given.isdecimal():
        raise CannotStartError(f"MEDIA_MAX_UPLOAD_BYTES is {given!r}; it must be a whole number.")
    return {"max_body_bytes": {"media": int(given) + _FORM_BYTES}}
