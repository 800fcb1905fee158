"""Removing files that nothing refers to: what crashes and failed deletions leave behind."""

import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from sqlalchemy import select

from common.db import Database, utcnow
from common.logging import get_logger
from media.models import Asset
from media.ports import Storage

log = get_logger(__name__)

_STALE = timedelta(hours=2)
"""A file appears up to this long before the row that refers to it, or is still written to."""
_TURN_SECONDS = 1.0
"""How long other chores wait at most."""
_BATCH = 500
_DEPTHS = {"originals": 1, "renditions": 2, "images": 1}


def sweep(database: Database, storage: Storage, stale: timedelta = _STALE) -> int:
    """Remove abandoned uploads and workspaces, files without an asset, superseded attempts."""
    return sum(_sweep_by_steps(database, storage, stale))


class Sweeper:
    """A chore that sweeps now and then, a second at a time, however often it is called."""

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database, self._storage = database, storage
        self._next = time.monotonic()
        self._steps: Iterator[int] = iter(())

    def __call__(self) -> None:
        """Go on sweeping; begin again if it is time."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._storage.sweep_every.total_seconds()
            self._steps = _sweep_by_steps(self._database, self._storage, _STALE)
        for _ in self._steps:
            if time.monotonic() >= now + _TURN_SECONDS:
                return


def _sweep_by_steps(database: Database, storage: Storage, stale: timedelta) -> Iterator[int]:
    """Sweep, and tell after each step how much it removed."""
    before = utcnow() - stale
    yield storage.discard_stale(before)
    for folder, depth in _DEPTHS.items():
        listed = storage.children(folder, depth)
        while batch := list(islice(listed, _BATCH)):
            # Listed before the rows are read: what is new since then is not judged.
            old = {path for path, changed in batch if changed < before}
            orphans = _orphans(database, folder, old)
            for key in orphans:
                storage.delete(key)
            if orphans:
                log.info("files_swept", folder=folder, removed=len(orphans))
            yield len(orphans)


def _orphans(database: Database, folder: str, paths: set[str]) -> set[str]:
    """Return the keys of those of `paths` that nothing refers to."""
    parts = [path.partition("/") for path in paths]
    current = _current_attempts(database, {asset_id for asset_id, _, _ in parts})
    gone = {f"{folder}/{asset_id}" for asset_id, _, _ in parts if asset_id not in current}
    superseded = {
        f"{folder}/{asset_id}/{attempt}"
        for asset_id, _, attempt in parts
        if attempt and asset_id in current and attempt != f"attempt-{current[asset_id]}"
    }
    return gone | superseded


def _current_attempts(database: Database, names: set[str]) -> dict[str, int | None]:
    """Return the served attempt of each asset that still exists."""
    existing = select(Asset.id, Asset.attempt).where(Asset.id.in_(names))
    with database.reading() as session:
        return {row.id: row.attempt for row in session.execute(existing)}
