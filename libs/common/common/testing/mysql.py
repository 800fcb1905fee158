"""The MySQL or MariaDB of a test run, in a process of its own that ends with the run.

It is the server that `TEST_DATABASE_URL` names; else a container, where Docker answers; else a
private `mariadbd`. `python -m common.testing.mysql FOLDER` is that process.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

from common.testing.mariadb import install_mariadb, mariadb_url, start_mariadb

IMAGE = "mysql:8.4"
_ANSWER = "server.json"
_WAIT_SECONDS = 170
_CONTAINER_SECONDS = 90
# Tests throw their data away: nothing needs to survive a crash of the machine.
_CARELESS = ("--innodb-flush-log-at-trx-commit=0", "--skip-log-bin")


@dataclass(frozen=True)
class Found:
    """What the search for a server came to; `url` is an administrator's, None if there is none."""

    url: str | None
    name: str
    """Such as `MariaDB 10.11.19`."""
    notes: tuple[str, ...]
    """Where nothing was found, and why."""


class ServerOfRun:
    """The server that all processes of a test run share, through a folder that they all know."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to look for a server, unless that is done; only one process of the run may."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "common.testing.mysql", str(self._folder)],
                # It ends when this pipe does, even if we are killed, and not by Ctrl-C.
                stdin=subprocess.PIPE,
                start_new_session=True,
            )

    def wait(self) -> Found:
        """Return what was found, once it is known; raises TimeoutError."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while (found := self.found()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError("nobody found out whether there is a MySQL or MariaDB")
            time.sleep(0.05)
        return found

    def found(self) -> Found | None:
        """Return what was found, or None while that is not known."""
        try:
            fields = json.loads((self._folder / _ANSWER).read_text())
        except FileNotFoundError:
            return None
        return Found(fields["url"], fields["name"], tuple(fields["notes"]))

    def stop(self) -> None:
        """End the server, if it was started here."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(60)


def main(folder: Path) -> None:
    """Find or start a server, say which in `folder`, and end it when standard input ends."""
    with ExitStack() as stack:
        found = _find(stack)
        draft = folder / f"{_ANSWER}.draft"
        draft.write_text(json.dumps(asdict(found)))
        draft.rename(folder / _ANSWER)
        sys.stdin.buffer.read()


def _find(stack: ExitStack) -> Found:
    given = os.environ.get("TEST_DATABASE_URL")
    notes: list[str] = []
    sources: dict[str, Callable[[ExitStack], str]] = {
        "Docker": _start_container,
        "mariadbd": _start_private,
    }
    if given:
        sources = {"TEST_DATABASE_URL": lambda _: given}
    for source, start in sources.items():
        with ExitStack() as attempt:
            try:
                url = start(attempt)
                name = f"{_version(url)} ({source})"
            except Exception as error:
                reason = str(error).strip() or type(error).__name__
                notes.append(f"{source}: {reason[:500]}")
                continue
            stack.push(attempt.pop_all())
            return Found(url, name, tuple(notes))
    return Found(None, "", tuple(notes))


def _version(url: str) -> str:
    engine = create_engine(url, connect_args={"connect_timeout": 10})
    try:
        with engine.connect() as connection:
            version = str(connection.execute(text("SELECT VERSION()")).scalar_one())
    finally:
        engine.dispose()
    kind = "MariaDB" if "MariaDB" in version else "MySQL"
    return f"{kind} {version.partition('-')[0]}"


def _start_container(stack: ExitStack) -> str:
    # It must know before it is imported. What it would clean up ends with this process.
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    from testcontainers.community.mysql import MySqlContainer
    from testcontainers.core.config import testcontainers_config

    testcontainers_config.max_tries = _CONTAINER_SECONDS
    container = MySqlContainer(IMAGE, dialect="pymysql", username="root", password="tests")
    container.with_command(" ".join(["mysqld", *_CARELESS]))
    stack.enter_context(container)
    return str(container.get_connection_url()).rpartition("/")[0]


def _start_private(stack: ExitStack) -> str:
    folder = stack.enter_context(_short_folder())
    install_mariadb(folder / "data")
    process = start_mariadb(folder, *_CARELESS)
    # Its data goes with the folder: an orderly end would be time lost.
    stack.callback(process.wait)
    stack.callback(process.kill)
    return mariadb_url(folder)


@contextmanager
def _short_folder() -> Iterator[Path]:
    """Give a folder whose path is short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-"))
    yield folder
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
