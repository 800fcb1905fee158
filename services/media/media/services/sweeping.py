"""Removing files that nothing refers to: what crashes and failed deletions leave behind."""

import time
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from common.db import Database, utcnow
from common.logging import get_logger
from media.models import Asset
from media.ports import Storage

log = get_logger(__name__)

_EVERY_SECONDS = 600.0
_STALE = timedelta(hours=2)
"""A file appears up to this long before the row that refers to it, or is still written to."""


def sweep(database: Database, storage: Storage, stale: timedelta = _STALE) -> int:
    """Remove abandoned uploads and workspaces, files without an asset, superseded attempts."""
    removed = storage.discard_stale(utcnow() - stale)
    for key in list(_orphans(database, storage, stale)):
        storage.delete(key)
        removed += 1
    if removed:
        log.info("files_swept", removed=removed)
    return removed


class Sweeper:
    """A chore that sweeps now and then, however often it is called."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database, self._storage = database, storage
        self._next = time.monotonic()

    def __call__(self) -> None:
        """Sweep if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_SECONDS
            sweep(self._database, self._storage)


def _orphans(database: Database, storage: Storage, stale: timedelta) -> Iterator[str]:
    # Listed before the rows are read: what is new since then is not judged.
    before = utcnow() - stale
    listed = {
        (folder, name)
        for folder in ("originals", "renditions", "images")
        for name, changed in storage.children(folder)
        if changed < before
    }
    current = _current_attempts(database, {name for _, name in listed})
    for folder, name in listed:
        if name not in current:
            yield f"{folder}/{name}"
        elif folder == "renditions":
            for attempt, changed in storage.children(f"renditions/{name}"):
                if changed < before and attempt != f"attempt-{current[name]}":
                    yield f"renditions/{name}/{attempt}"


def _current_attempts(database: Database, names: set[str]) -> dict[str, int | None]:
    """Return the served attempt of each asset that still exists."""
    found: dict[str, int | None] = {}
    ordered = sorted(names)
    with database.reading() as session:
        for start in range(0, len(ordered), 500):
            batch = select(Asset.id, Asset.attempt).where(
                Asset.id.in_(ordered[start : start + 500])
            )
            found |= {row.id: row.attempt for row in session.execute(batch)}
    return found
