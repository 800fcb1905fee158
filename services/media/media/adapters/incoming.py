"""Temporary files on this machine's disk: uploads as they arrive, and workspaces of jobs."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from common.errors import TooLarge
from media.formats import SNIFF_BYTES
from media.ports import Received


class Incoming:
    """A folder of files that are on their way into a storage."""

    def __init__(self, folder: Path) -> None:
        self._incoming = folder
        self._incoming.mkdir(parents=True, exist_ok=True)

    def receive(self, max_bytes: int) -> "IncomingFile":
        """See Storage.receive."""
        return IncomingFile(self._incoming, max_bytes)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """See Storage.workspace."""
        folder = Path(tempfile.mkdtemp(prefix="work-", dir=self._incoming))
        try:
            folder.chmod(0o755)  # the gateway may run as another user
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def discard_stale(self, older_than: datetime) -> int:
        """See Storage.discard_stale."""
        stale = [
            entry
            for entry in self._incoming.iterdir()
            if (changed := _newest_change(entry)) is not None and changed < older_than
        ]
        for entry in stale:
            remove(entry)
        return len(stale)


class IncomingFile:
    """An upload being written: counts, hashes and limits while the bytes pass."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        descriptor, name = tempfile.mkstemp(prefix="upload-", dir=folder)
        os.fchmod(descriptor, 0o644)
        self._path, self._file = Path(name), os.fdopen(descriptor, "wb")
        self._max_bytes, self._size = max_bytes, 0
        self._sha256, self._head = hashlib.sha256(), bytearray()

    def write(self, data: bytes, /) -> int:
        """See Receiving.write."""
        self._size += len(data)
        if self._size > self._max_bytes:
            raise TooLarge(f"The file is larger than the {self._max_bytes:,} bytes allowed.")
        if len(self._head) < SNIFF_BYTES:
            self._head += data[: SNIFF_BYTES - len(self._head)]
        self._sha256.update(data)
        return self._file.write(data)

    def finish(self) -> Received:
        """See Receiving.finish."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return Received(self._path, self._sha256.hexdigest(), self._size, bytes(self._head))

    def discard(self) -> None:
        """See Receiving.discard."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file or a folder with all in it; it is no error if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def changed_at(path: Path) -> datetime | None:
    """Return the time of a path's last change (UTC); None if it is gone."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def _newest_change(entry: Path) -> datetime | None:
    """Return the last change of a file, or of a folder and the files in it; None if it is gone."""
    inside = list(entry.iterdir()) if entry.is_dir() else []
    times = [changed for path in (entry, *inside) if (changed := changed_at(path)) is not None]
    return max(times, default=None)
