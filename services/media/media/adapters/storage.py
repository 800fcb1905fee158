"""A folder as storage; the gateway serves files from it directly."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from media.adapters.incoming import Incoming, changed_at, remove
from media.errors import FileGone
from media.ports import GatewayPath, Received, check_key

_INCOMING = "incoming"
"""Temporary files live in the same file system, so that a rename publishes them."""


class LocalStorage(Incoming):
    """Keeps each key as a file below one folder; nothing half-written is ever visible."""

    sweep_every = timedelta(minutes=10)

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        super().__init__(self._root / _INCOMING)

    def keep(self, received: Received, key: str) -> None:
        """See Storage.keep."""
        self._publish(received.path, self._path(key))

    def put(self, key: str, data: bytes) -> None:
        """See Storage.put."""
        incoming = self.receive(len(data))
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
        """See Storage.fetch; raises FileGone."""
        path = self._path(key)
        if not path.is_file():
            raise FileGone
        yield path

    def read(self, key: str) -> bytes:
        """See Storage.read; raises FileGone."""
        with self.fetch(key) as path:
            return path.read_bytes()

    def locate(
        self, key: str, expires_at: datetime | None = None, *, download: bool = False
    ) -> GatewayPath:
        """See Storage.locate: the gateway's root is this storage's folder."""
        del expires_at, download  # what the gateway sends, this service answers for each time
        self._path(key)
        return GatewayPath(f"/{key}")

    def delete(self, key: str) -> None:
        """See Storage.delete."""
        remove(self._path(key))

    def children(self, key: str, depth: int = 1) -> Iterator[tuple[str, datetime]]:
        """See Storage.children."""
        folder = self._path(key)
        for entry in folder.iterdir() if folder.is_dir() else ():
            below = self.children(f"{key}/{entry.name}", depth - 1) if depth > 1 else iter(())
            inside = [(f"{entry.name}/{name}", changed) for name, changed in below]
            if inside:
                yield from inside
            elif (changed := changed_at(entry)) is not None:
                yield entry.name, changed

    def _path(self, key: str) -> Path:
        check_key(key)
        if key.split("/", 1)[0] == _INCOMING:
            raise ValueError(f"{key!r} is not a storage key.")
        return self._root / key

    def _publish(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        # The rename is on disk only once the folder that lists it is; a new folder likewise.
        for folder in (target.parent, target.parent.parent):
            _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
