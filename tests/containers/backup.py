"""Back up, remove everything, restore, compare: `python -m tests.containers.backup`.

It removes the data of the stack, so it starts only where there is none (`--replace` skips that).
Ends with 1 if a row, a file or a login is missing afterwards.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.containers.playing import heard_seconds
from tests.containers.stack import ROOT, SCHEMAS, URL, Stack

from antiphon.ffmpeg import find_ffmpeg

_NAME = "comes-and-goes-"
_COMES = f"/srv/media/originals/{_NAME}"
# What to sign in leaves behind.
_LOGIN = {"auth.user_session", "auth.refresh_token"}


def main() -> int:
    """Run the drill and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replace", action="store_true", help="the stack's data may be removed")
    arguments = parser.parse_args()
    stack = Stack("docker-compose.yml")
    if stack.volumes() and not arguments.replace:
        sys.exit("There is data of a stack, which this removes. If it may: make down VOLUMES=1")
    with tempfile.TemporaryDirectory() as folder:
        return _drill(stack, Path(folder))


def _drill(stack: Stack, folder: Path) -> int:
    remove = ("down", "--volumes", "--remove-orphans")
    stack.compose(*remove)
    stack.up()
    _demo(stack, folder)
    rows, tables, files = _quiet_rows(stack), stack.checksums(), _files(stack)
    with _files_that_come_and_go(stack):
        saved = _timed(stack, str(ROOT / "deploy" / "backup"), str(folder / "backup"))
    stack.compose(*remove)
    restored = _timed(stack, str(ROOT / "deploy" / "restore"), str(folder / "backup"))
    _quiet_rows(stack)
    tables_again, files_again = stack.checksums(), _files(stack)
    print(f"{sum(rows.values())} rows of {len(rows)} tables and {len(files)} files were saved")
    print(f"in {saved:.1f} s and came back, with all processes healthy, in {restored:.1f} s")
    differing = {name for name, _ in tables.items() ^ tables_again.items()}
    print(
        f"different: {len(differing)} tables {sorted(differing)}, {len(files ^ files_again)} files"
    )
    # With the same login: nothing is published twice, or the rows would tell.
    _demo(stack, folder)
    heard = heard_seconds(URL, folder, find_ffmpeg())
    print(f"{len(heard)} tracks were decoded from their playlists, {sum(heard):.0f} s of sound")
    repeated = {name for name, count in _quiet_rows(stack).items() if count != rows.get(name)}
    print(f"changed by a second demo: {sorted(repeated)}")
    whole = not differing and files == files_again and heard and repeated <= _LOGIN
    return 0 if whole else 1


def _demo(stack: Stack, folder: Path) -> None:
    where = (f"--url={URL}", f"--data-dir={folder}")
    stack.run(sys.executable, "-m", "antiphon", "demo", *where)


def _timed(stack: Stack, *command: str) -> float:
    started = time.monotonic()
    stack.run(*command)
    return time.monotonic() - started


def _quiet_rows(stack: Stack) -> dict[str, int]:
    """Count rows once no event is on its way any more."""
    for schema in SCHEMAS:
        while stack.sql(schema, "SELECT COUNT(*) FROM outbox_delivery") != ["0"]:
            time.sleep(0.5)
    return stack.rows()


@contextmanager
def _files_that_come_and_go(stack: Stack) -> Iterator[None]:
    """Make and remove files in media's folder meanwhile, as uploads and deletions do."""
    come_and_go = f"for n in 1 2 3 4 5; do date > {_COMES}$n; done; rm {_COMES}*"
    churn = f"while [ -e /tmp/churn ]; do {come_and_go}; done"
    in_media = ("exec", "-T", "media-web", "sh", "-c")
    stack.compose(*in_media, "touch /tmp/churn")
    stack.compose("exec", "--detach", "media-web", "sh", "-c", churn)
    yield
    stack.compose(*in_media, "rm /tmp/churn")


def _files(stack: Stack) -> set[str]:
    """Return checksum and path of each file of media."""
    find = f"cd /srv/media && find . -type f -not -path '*/{_NAME}*' -exec sha256sum {{}} +"
    return set(stack.compose("exec", "-T", "media-web", "sh", "-c", find).splitlines())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with {error.returncode}")
