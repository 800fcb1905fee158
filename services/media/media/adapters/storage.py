"""A folder as storage; the gateway serves files from it directly."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from common.errors import TooLarge
from media.formats import SNIFF_BYTES
from media.ports import Received

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_INCOMING = "incoming"
"""Temporary files live in the same file system, so that a rename publishes them."""


class LocalStorage:
    """Keeps each key as a file below one folder; nothing half-written is ever visible."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._incoming = self._root / _INCOMING
        self._incoming.mkdir(parents=True, exist_ok=True)

    def receive(self, max_bytes: int) -> "IncomingFile":
        """See Storage.receive."""
        return IncomingFile(self._incoming, max_bytes)

    def keep(self, received: Received, key: str) -> None:
        """See Storage.keep."""
        self._publish(received.path, self._path(key))

    def put(self, key: str, data: bytes) -> None:
        """See Storage.put."""
        incoming = IncomingFile(self._incoming, len(data))
        try:
            incoming.write(data)
            self.keep(incoming.finish(), key)
        finally:
            incoming.discard()

    def put_folder(self, folder: Path, key: str) -> None:
        """See Storage.put_folder."""
        for file in folder.iterdir():
            _sync(file)
        _sync(folder)
        self.delete(key)
        self._publish(folder, self._path(key))

    @contextmanager
    def fetch(self, key: str) -> Iterator[Path]:
        """See Storage.fetch; raises FileNotFoundError."""
        path = self._path(key)
        if not path.is_file():
            raise FileNotFoundError(f"Storage has no file {key}.")
        yield path

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """See Storage.workspace."""
        folder = Path(tempfile.mkdtemp(prefix="work-", dir=self._incoming))
        try:
            folder.chmod(0o755)  # the gateway may run as another user
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def internal_path(self, key: str) -> str:
        """See Storage.internal_path: the gateway's root is this storage's folder."""
        self._path(key)
        return f"/{key}"

    def delete(self, key: str) -> None:
        """See Storage.delete."""
        _remove(self._path(key))

    def children(self, key: str) -> Iterator[tuple[str, datetime]]:
        """See Storage.children."""
        folder = self._path(key)
        if folder.is_dir():
            for entry in folder.iterdir():
                if (changed := _changed_at(entry)) is not None:
                    yield entry.name, changed

    def discard_stale(self, older_than: datetime) -> int:
        """See Storage.discard_stale."""
        stale = [
            entry
            for entry in self._incoming.iterdir()
            if (changed := _newest_change(entry)) is not None and changed < older_than
        ]
        for entry in stale:
            _remove(entry)
        return len(stale)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key) or key.split("/", 1)[0] == _INCOMING:
            raise ValueError(f"{key!r} is not a storage key.")
        return self._root / key

    def _publish(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        # The rename is on disk only once the folder that lists it is; a new folder likewise.
        for folder in (target.parent, target.parent.parent):
            _sync(folder)


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


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _newest_change(entry: Path) -> datetime | None:
    """Return the last change of a file, or of a folder and the files in it; None if it is gone."""
    inside = list(entry.iterdir()) if entry.is_dir() else []
    times = [changed for path in (entry, *inside) if (changed := _changed_at(path)) is not None]
    return max(times, default=None)


def _changed_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
