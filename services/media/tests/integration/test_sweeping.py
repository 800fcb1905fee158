import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from common.db import Database, new_id
from media.adapters.storage import LocalStorage
from media.services.sweeping import Sweeper, sweep


def _age(*paths: Path) -> None:
    for path in paths:
        for entry in (path, *path.rglob("*")):
            os.utime(entry, (1, 1))


def test_only_what_nothing_refers_to_is_swept(
    database: Database,
    storage: LocalStorage,
    storage_dir: Path,
    upload: Any,
    run_jobs: Any,
    make_audio: Callable[..., Path],
) -> None:
    asset_id, gone = upload(make_audio("a.mp3", seconds=1)).json["asset_id"], new_id()
    run_jobs()
    storage.put(f"originals/{gone}", b"x")
    storage.put(f"images/{gone}/x.jpg", b"x")
    storage.put(f"renditions/{gone}/attempt-1/64k.m4s", b"x")
    storage.put(f"renditions/{asset_id}/attempt-7/64k.m4s", b"x")
    (storage_dir / "incoming/upload-left").write_bytes(b"x")
    assert sweep(database, storage) == 0  # too young to judge
    _age(storage_dir)
    young = new_id()
    storage.put(f"originals/{young}", b"x")
    assert sweep(database, storage) == 5
    left = {str(p.relative_to(storage_dir)) for p in storage_dir.rglob("*") if p.is_file()}
    served = {f"renditions/{asset_id}/attempt-1/{name}" for name in _rendition_names()}
    assert left == {f"originals/{asset_id}", f"originals/{young}"} | served


def test_the_chore_sweeps_now_and_then(
    database: Database, storage: LocalStorage, storage_dir: Path
) -> None:
    chore = Sweeper(database, storage)
    for expected in (False, True):
        left = storage_dir / "incoming/upload-left"
        left.write_bytes(b"x")
        _age(left)
        chore()
        assert left.exists() is expected
    assert sweep(database, storage, timedelta(0)) == 1


def _rendition_names() -> list[str]:
    names = [f"{n}k.{suffix}" for n in (64, 128, 256) for suffix in ("m3u8", "m4s")]
    return [*names, "master.m3u8"]
