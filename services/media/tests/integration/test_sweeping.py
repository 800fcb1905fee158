import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from common.db import Database, new_id
from media.ports import Storage
from media.services.sweeping import Sweeper, sweep

_JPEG = b"\xff\xd8\xff picture"
_AUDIO = b"ID3 audio"


@pytest.mark.parametrize("storage_kind", ["local", "cloudinary"])
def test_only_what_nothing_refers_to_is_swept(
    database: Database,
    storage: Storage,
    storage_dir: Path,
    upload: Any,
    run_jobs: Any,
    kept: Callable[[], set[str]],
    make_old: Callable[[], None],
    make_audio: Callable[..., Path],
) -> None:
    asset_id, gone = upload(make_audio("a.mp3", seconds=1)).json["asset_id"], new_id()
    run_jobs()
    storage.put(f"originals/{gone}", b"x")
    storage.put(f"images/{gone}/{'a' * 64}.jpg", _JPEG)
    storage.put(f"renditions/{gone}/attempt-1/64k.m4s", _AUDIO)
    storage.put(f"renditions/{gone}/attempt-1/64k.m3u8", b"x")
    storage.put(f"renditions/{asset_id}/attempt-10/64k.m4s", _AUDIO)
    (storage_dir / "incoming/upload-left").write_bytes(b"x")
    assert sweep(database, storage) == 0  # too young to judge
    make_old()
    young = new_id()
    storage.put(f"originals/{young}", b"x")
    assert sweep(database, storage) == 5
    served = {f"renditions/{asset_id}/attempt-1/{name}" for name in _rendition_names()}
    assert kept() == {f"originals/{asset_id}", f"originals/{young}"} | served
    assert list((storage_dir / "incoming").iterdir()) == []


def test_the_chore_sweeps_now_and_then(
    database: Database, storage: Storage, storage_dir: Path
) -> None:
    chore = Sweeper(database, storage)
    for expected in (False, True):
        left = storage_dir / "incoming/upload-left"
        left.write_bytes(b"x")
        os.utime(left, (1, 1))
        chore()
        assert left.exists() is expected
    assert sweep(database, storage, timedelta(0)) == 1


def test_a_long_sweep_lets_other_chores_have_their_turn(
    database: Database, storage: Storage, kept: Callable[[], set[str]], monkeypatch: Any
) -> None:
    monkeypatch.setattr("media.services.sweeping._TURN_SECONDS", 0.0)
    monkeypatch.setattr("media.services.sweeping._BATCH", 10)
    monkeypatch.setattr("media.services.sweeping._STALE", timedelta(0))
    for _ in range(25):
        storage.put(f"originals/{new_id()}", b"x")
    chore, left = Sweeper(database, storage), []
    for _ in range(6):
        chore()
        left.append(len(kept()))
    assert left == [25, 15, 5, 0, 0, 0]


def _rendition_names() -> list[str]:
    names = [f"{n}k.{suffix}" for n in (64, 128, 256) for suffix in ("m3u8", "m4s")]
    return [*names, "master.m3u8"]
