import hashlib
import os
import random
import resource
from datetime import timedelta
from pathlib import Path

import pytest

from common.db import utcnow
from common.errors import TooLarge
from media.adapters.storage import LocalStorage
from media.errors import FileGone
from media.ports import GatewayPath


def test_what_is_received_is_hashed_and_appears_whole(
    storage: LocalStorage, storage_dir: Path
) -> None:
    content = random.Random(1).randbytes(700_000)
    incoming = storage.receive(1_000_000)
    for start in range(0, len(content), 65_536):
        incoming.write(content[start : start + 65_536])
    assert not (storage_dir / "originals").exists()
    received = incoming.finish()
    storage.keep(received, "originals/one")
    incoming.discard()
    assert received.sha256 == hashlib.sha256(content).hexdigest()
    assert received.size_bytes == len(content)
    assert received.head == content[: len(received.head)]
    assert (storage_dir / "originals/one").read_bytes() == content
    assert list((storage_dir / "incoming").iterdir()) == []


def test_a_large_upload_is_never_in_memory(storage: LocalStorage) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    incoming, chunk = storage.receive(1 << 30), bytes(1 << 20)
    for _ in range(200):
        incoming.write(chunk)
    assert incoming.finish().size_bytes == 200 << 20
    incoming.discard()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50 * 1024  # kilobytes


def test_past_the_limit_it_is_refused_and_gone(storage: LocalStorage, storage_dir: Path) -> None:
    incoming = storage.receive(1000)
    incoming.write(bytes(1000))
    with pytest.raises(TooLarge, match="1,000 bytes"):
        incoming.write(b"x")
    incoming.discard()
    incoming.discard()
    assert list((storage_dir / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".hidden", "a/.b", "a\x00b", "a b",
     "incoming/x", "a\\b", "a/%2e%2e/b", "a\n"],
)  # fmt: skip
def test_keys_never_leave_the_folder(storage: LocalStorage, key: str) -> None:
    for use in (storage.delete, storage.locate, lambda k: storage.put(k, b"x")):
        with pytest.raises(ValueError, match="not a storage key"):
            use(key)


def test_a_workspace_becomes_a_folder_or_vanishes(storage: LocalStorage, storage_dir: Path) -> None:
    storage.put("renditions/a/attempt-1/old.m4s", b"old")
    with storage.workspace() as folder:
        (folder / "new.m4s").write_bytes(b"new")
        storage.put_folder(folder, "renditions/a/attempt-1")
    assert [p.name for p in (storage_dir / "renditions/a/attempt-1").iterdir()] == ["new.m4s"]


def test_a_workspace_is_gone_when_the_work_fails(storage: LocalStorage, storage_dir: Path) -> None:
    def fail() -> None:
        with storage.workspace() as folder:
            (folder / "half").write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list((storage_dir / "incoming").iterdir()) == []


def test_fetch_list_and_delete(storage: LocalStorage) -> None:
    storage.put("images/a/x.jpg", b"x")
    storage.put("images/a/y.jpg", b"y")
    with storage.fetch("images/a/x.jpg") as path:
        assert path.read_bytes() == b"x"
    assert sorted(name for name, _ in storage.children("images/a")) == ["x.jpg", "y.jpg"]
    assert storage.locate("images/a/x.jpg") == GatewayPath("/images/a/x.jpg")
    storage.delete("images/a")
    storage.delete("images/a")
    assert list(storage.children("images/a")) == []
    with pytest.raises(FileGone), storage.fetch("images/a/x.jpg"):
        pass


def test_the_gateway_may_read_what_is_kept(storage: LocalStorage, storage_dir: Path) -> None:
    storage.put("images/a/x.jpg", b"x")
    with storage.workspace() as folder:
        storage.put_folder(folder, "renditions/a/attempt-1")
    assert (storage_dir / "images/a/x.jpg").stat().st_mode & 0o044 == 0o044
    assert (storage_dir / "renditions/a/attempt-1").stat().st_mode & 0o055 == 0o055


def test_only_what_nobody_touches_is_stale(storage: LocalStorage, storage_dir: Path) -> None:
    old = utcnow().timestamp() - 7200
    abandoned = storage_dir / "incoming/upload-abandoned"
    abandoned.write_bytes(b"x")
    os.utime(abandoned, (old, old))
    busy = storage_dir / "incoming/work-busy"
    busy.mkdir()
    (busy / "written-now").write_bytes(b"x")
    os.utime(busy, (old, old))
    assert storage.discard_stale(utcnow() - timedelta(hours=1)) == 1
    assert [p.name for p in (storage_dir / "incoming").iterdir()] == ["work-busy"]
