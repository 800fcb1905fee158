"""What media keeps to because storage may be far away."""

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudinary_standin.client import CloudinaryStandin
from flask import Flask
from sqlalchemy import event, select, update

from common.db import Database, db_time, new_id
from common.jobs import send_due_jobs
from common.jobs.queue import MAX_ATTEMPTS
from common.jobs.tables import job
from media.ports import Storage
from media.services.erasure import make_eraser
from media.services.processing import Workshop, give_up
from media.services.sweeping import sweep
from media.services.uploads import DELETE_FILES
from media.tasks import perform

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


class AtOnce:
    """Does the jobs that it should send."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def has_room(self) -> bool:
        return True

    def send(self, kind: str, job_id: str) -> None:
        assert perform(self._workshop, kind, job_id)


def _make_due(database: Database) -> None:
    with database.transaction() as session:
        past = db_time(session) - timedelta(seconds=1)
        session.execute(update(job).values(due_at=past, not_before=past))


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
    run_jobs()
    deliver("auth.user.deleted.v1", id=artist_id)
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 60.0)
    make_eraser(database, watched)()
    sweep(database, watched)
    assert {name for name, _ in used} == {"keep", "fetch", "put_folder", "delete", "children"}
    assert [name for name, was_open in used if was_open] == []


def test_who_deletes_does_not_wait_for_storage(
    app: Flask,
    client: Any,
    bearer: Any,
    artist_id: str,
    storage: Storage,
    workshop: Workshop,
    upload: Any,
    run_jobs: Any,
    deliver: Any,
    kept: Kept,
) -> None:
    by_hand, by_track = upload(b"ID3 one").json, upload(b"ID3 two").json
    used: list[str] = []
    watched: Any = Watched(storage, used.append)
    app.extensions["storage"] = watched
    object.__setattr__(workshop, "storage", watched)
    assert client.delete(f"/api/v1/uploads/{by_hand['id']}", headers=bearer()).status_code == 204
    track = {"id": new_id(), "owner_id": artist_id, "asset_id": by_track["asset_id"]}
    deliver("catalog.track.deleted.v1", **track)
    assert client.get("/api/v1/uploads", headers=bearer()).json["items"] == []
    assert used == []
    assert run_jobs() == ["media.delete_files"] * 2
    assert kept() == set()


def test_the_same_bytes_at_once_leave_one_file(
    app: Flask,
    storage: Storage,
    upload: Any,
    run_jobs: Any,
    kept: Kept,
) -> None:
    answers: list[Any] = []
    other = threading.Thread(target=lambda: answers.append(upload(b"not audio")))

    def another_request(name: str) -> None:
        if name == "keep" and other.ident is None:
            other.start()
            other.join()

    app.extensions["storage"] = Watched(storage, another_request)
    late = upload(b"not audio")
    (early,) = answers
    assert (early.status_code, late.status_code) == (202, 200)
    assert late.json["asset_id"] == early.json["asset_id"]
    assert sorted(run_jobs()) == ["media.delete_files", "media.describe"]
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


@pytest.mark.parametrize("state", ["queued", "dead"])
def test_no_receipt_before_files_are_gone(
    state: str,
    client: Any,
    bearer: Any,
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
    gone = upload(b"one").json
    assert client.delete(f"/api/v1/uploads/{gone['id']}", headers=bearer()).status_code == 204
    with database.transaction() as session:
        session.execute(update(job).where(job.c.kind == DELETE_FILES).values(state=state))
    upload(b"two")
    assert len(kept()) == 2
    deliver("auth.user.deleted.v1", id=artist_id)
    down = True

    def fail(_name: str) -> None:
        if down:
            raise ConnectionError

    watched: Any = Watched(storage, fail)
    erase = make_eraser(database, watched)
    erase()
    assert emitted("media.user_data.erased.v1") == []
    down = False
    erase()
    assert kept() == set()
    assert len(emitted("media.user_data.erased.v1")) == 1
    with database.reading() as session:
        kinds = session.scalars(select(job.c.kind)).all()
    assert set(kinds) == {"media.describe"}, "a job that deletes files names whose they were"


def test_no_receipt_while_an_upload_is_deleted_by_hand(
    client: Any,
    bearer: Any,
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
    sent = upload(b"one").json
    url, headers = f"/api/v1/uploads/{sent['id']}", bearer(new_id(), roles=["admin"])
    deliver("auth.user.deleted.v1", id=artist_id)
    erase, answers = make_eraser(database, storage), list[int]()
    delete_files: Any = erase.before_step

    def interfere(user_id: str) -> None:
        delete_files(user_id)
        if not answers:
            answers.append(client.delete(url, headers=headers).status_code)

    erase = replace(erase, before_step=interfere)
    erase()
    assert answers == [204]
    assert emitted("media.user_data.erased.v1") == []
    erase()
    assert kept() == set()
    assert len(emitted("media.user_data.erased.v1")) == 1


@pytest.mark.parametrize("storage_kind", ["cloudinary"])
def test_what_cannot_be_deleted_for_long_is_swept_later(
    client: Any,
    bearer: Any,
    upload: Any,
    standin: CloudinaryStandin,
    database: Database,
    storage: Storage,
    workshop: Workshop,
    emitted: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("media.adapters.retrying.time.sleep", lambda _seconds: None)
    sent = upload(b"fLaC and so on").json
    standin.fail("v1_1", "status", times=999, status=500)
    assert client.delete(f"/api/v1/uploads/{sent['id']}", headers=bearer()).status_code == 204
    for _ in range(MAX_ATTEMPTS):
        assert send_due_jobs(database, AtOnce(workshop), give_up) == 1
        _make_due(database)
    assert send_due_jobs(database, AtOnce(workshop), give_up) == 0
    with database.reading() as session:
        states = session.scalars(select(job.c.state).where(job.c.kind == DELETE_FILES))
        assert states.all() == ["dead"]
    assert emitted("media.asset.failed.v1") == []  # there is nothing left that could fail
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
