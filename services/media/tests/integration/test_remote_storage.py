"""What media keeps to because storage may be far away."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudinary_standin.client import CloudinaryStandin
from flask import Flask
from sqlalchemy import event, select

from common.db import Database
from media.models import Upload
from media.ports import Storage
from media.services.erasure import make_eraser
from media.services.processing import Workshop
from media.services.sweeping import sweep

_REMOTE = {"keep", "put", "put_folder", "fetch", "read", "delete", "children"}

Kept = Callable[[], set[str]]


class Watched:
    """A storage that calls somebody before each use that may need a network."""

    def __init__(self, real: Storage, before: Callable[[str], None]) -> None:
        self._real, self._before = real, before

    def __getattr__(self, name: str) -> Any:
        if name in _REMOTE:
            self._before(name)
        return getattr(self._real, name)


@pytest.fixture
def in_transaction(database: Database) -> Callable[[], bool]:
    """Return a function that tells whether this thread has a transaction open."""
    here = threading.local()

    def note(change: bool) -> Callable[..., None]:
        return lambda *_: setattr(here, "open", change)

    for name, change in (("begin", True), ("commit", False), ("rollback", False)):
        event.listen(database.engine, name, note(change))
    return lambda: getattr(here, "open", False)


def test_storage_is_never_used_inside_a_transaction(
    app: Flask,
    client: Any,
    bearer: Any,
    artist_id: str,
    storage: Storage,
    workshop: Workshop,
    database: Database,
    in_transaction: Callable[[], bool],
    upload: Any,
    run_jobs: Any,
    deliver: Any,
    make_audio: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[tuple[str, bool]] = []
    watched: Any = Watched(storage, lambda name: used.append((name, in_transaction())))
    app.extensions["storage"] = watched
    object.__setattr__(workshop, "storage", watched)
    gone = upload(make_audio("a.mp3", seconds=1)).json
    upload(make_audio("b.mp3", seconds=1, title="b"))
    run_jobs()
    assert client.delete(f"/api/v1/uploads/{gone['id']}", headers=bearer()).status_code == 204
    deliver("auth.user.deleted.v1", id=artist_id)
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 60.0)
    make_eraser(database, watched)()
    sweep(database, watched)
    assert {name for name, _ in used} == {"keep", "fetch", "put_folder", "delete", "children"}
    assert [name for name, was_open in used if was_open] == []


def test_the_same_bytes_at_once_leave_one_file(
    app: Flask, storage: Storage, upload: Any, kept: Kept, make_audio: Callable[..., Path]
) -> None:
    audio = make_audio("a.mp3", seconds=1)
    answers: list[Any] = []
    other = threading.Thread(target=lambda: answers.append(upload(audio)))

    def another_request(name: str) -> None:
        if name == "keep" and other.ident is None:
            other.start()
            other.join()

    app.extensions["storage"] = Watched(storage, another_request)
    late = upload(audio)
    (early,) = answers
    assert (early.status_code, late.status_code) == (202, 200)
    assert late.json["asset_id"] == early.json["asset_id"]
    assert kept() == {f"originals/{early.json['asset_id']}"}


def test_an_upload_deleted_while_its_bytes_come_again_is_sent_again(
    app: Flask,
    client: Any,
    bearer: Any,
    storage: Storage,
    upload: Any,
    run_jobs: Any,
    kept: Kept,
) -> None:
    failed = upload(b"not audio").json
    run_jobs()

    url, headers = f"/api/v1/uploads/{failed['id']}", bearer()
    other = threading.Thread(target=lambda: client.delete(url, headers=headers))

    def delete_it(name: str) -> None:
        if name == "keep":
            other.start()
            other.join()

    app.extensions["storage"] = Watched(storage, delete_it)
    answer = upload(b"not audio")
    assert answer.status_code == 409
    assert "Send it again" in answer.json["detail"]
    app.extensions["storage"] = storage
    assert upload(b"not audio").status_code == 202


def test_no_receipt_before_files_are_gone(
    database: Database,
    artist_id: str,
    storage: Storage,
    upload: Any,
    deliver: Any,
    emitted: Any,
    kept: Kept,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 60.0)
    monkeypatch.setattr("common.erasure._PAUSE_AFTER_FAILURE", timedelta(0))
    upload(b"one")
    deliver("auth.user.deleted.v1", id=artist_id)
    down = True

    def fail(_name: str) -> None:
        if down:
            raise ConnectionError

    watched: Any = Watched(storage, fail)
    erase = make_eraser(database, watched)
    erase()
    assert emitted("media.user_data.erased.v1") == []
    with database.reading() as session:
        assert len(session.scalars(select(Upload.id)).all()) == 1
    down = False
    erase()
    assert kept() == set()
    assert len(emitted("media.user_data.erased.v1")) == 1


@pytest.mark.parametrize("storage_kind", ["cloudinary"])
def test_what_cannot_be_deleted_now_is_swept_later(
    client: Any,
    bearer: Any,
    upload: Any,
    standin: CloudinaryStandin,
    database: Database,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("media.adapters.retrying.time.sleep", lambda _seconds: None)
    sent = upload(b"fLaC and so on").json
    standin.fail("v1_1", "status", times=99, status=500)
    assert client.delete(f"/api/v1/uploads/{sent['id']}", headers=bearer()).status_code == 204
    assert standin.keys() == {f"originals/{sent['asset_id']}"}
    standin.fail("v1_1", "status", times=0)
    assert sweep(database, storage) == 0  # too young
    standin.age(hours=3)
    assert sweep(database, storage) == 1
    assert standin.keys() == set()


def test_without_cloudinary_its_sdk_is_not_imported() -> None:
    script = "import sys, media.app, media.worker, media.jobs; print('cloudinary' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout.split() == [b"False"]
