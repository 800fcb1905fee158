"""Jobs under faults: what is kept is kept once, and nothing is stuck."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from common.db import Database, db_time, new_id, utcnow
from common.jobs import RunningJob, send_due_jobs
from common.jobs.queue import MAX_ATTEMPTS
from common.jobs.tables import job
from media.adapters.ffmpeg import FfmpegCrashed
from media.models import Asset
from media.ports import Description, Transcoded, Transcoder
from media.services.processing import Workshop, give_up
from media.services.uploads import TRANSCODE
from media.tasks import perform

MakeAudio = Callable[..., Path]
Kept = Callable[[], set[str]]

BOTH = pytest.mark.parametrize("storage_kind", ["local", "cloudinary"])


class Meddling:
    """The real transcoder, with something happening while it works."""

    def __init__(self, real: Transcoder, meanwhile: Callable[[], None]) -> None:
        self._real, self._meanwhile = real, meanwhile

    def describe(self, source: Path, check: Callable[[], None]) -> Description:
        self._meanwhile()
        return self._real.describe(source, check)

    def transcode(
        self, source: Path, folder: Path, described: Description, progress: Callable[[float], None]
    ) -> Transcoded:
        made = self._real.transcode(source, folder, described, progress)
        self._meanwhile()
        return made


def _next_job(database: Database) -> Any:
    with database.reading() as session:
        return session.execute(select(job).where(job.c.state == "queued")).one()


def _attempts(kept: Kept, asset_id: str) -> set[str]:
    below = f"renditions/{asset_id}/"
    return {key.split("/")[2] for key in kept() if key.startswith(below)}


def _make_due(database: Database) -> None:
    with database.transaction() as session:
        past = db_time(session) - timedelta(seconds=1)
        session.execute(update(job).values(due_at=past, not_before=past))


@pytest.fixture
def asset_id(upload: Any, make_audio: MakeAudio) -> str:
    return str(upload(make_audio("a.wav", seconds=1)).json["asset_id"])


@pytest.fixture
def status(client: Any, bearer: Any) -> Callable[[], Any]:
    return lambda: client.get("/api/v1/uploads", headers=bearer()).json["items"][0]


@BOTH
def test_a_stalled_worker_cannot_publish_late(
    database: Database,
    workshop: Workshop,
    asset_id: str,
    emitted: Any,
    kept: Kept,
    status: Any,
) -> None:
    perform(workshop, "media.describe", _next_job(database).id)
    queued = _next_job(database)

    def another_worker_takes_over() -> None:
        with database.transaction() as session:
            session.execute(
                update(job).where(job.c.id == queued.id).values(due_at=utcnow() - timedelta(1))
            )
        assert perform(workshop, TRANSCODE, queued.id)

    stalled = replace(workshop, transcoder=Meddling(workshop.transcoder, another_worker_takes_over))
    assert perform(stalled, TRANSCODE, queued.id)
    assert len(emitted("media.asset.ready.v1")) == 1
    assert status()["status"] == "transcoded"
    assert _attempts(kept, asset_id) == {"attempt-2"}
    with database.reading() as session:
        assert session.get_one(Asset, asset_id).attempt == 2
        assert session.execute(select(job.c.state)).scalars().all() == ["done", "done"]


def test_a_lost_lease_stops_the_work(database: Database, workshop: Workshop, asset_id: str) -> None:
    taken = RunningJob("id", TRANSCODE, {"asset_id": asset_id}, 1)
    workshop.check(taken)
    taken.lost.set()
    with pytest.raises(Exception, match="taken over"):
        workshop.check(taken)


def test_a_shutdown_puts_the_job_back(
    database: Database, workshop: Workshop, asset_id: str, storage_dir: Path, status: Any
) -> None:
    perform(workshop, "media.describe", _next_job(database).id)
    queued = _next_job(database)
    stopping = replace(workshop, transcoder=Meddling(workshop.transcoder, workshop.stopping.set))
    assert perform(stopping, TRANSCODE, queued.id)
    assert _next_job(database).id == queued.id
    assert status()["status"] == "described"
    assert list((storage_dir / "incoming").iterdir()) == []
    workshop.stopping.clear()
    assert perform(workshop, TRANSCODE, queued.id)
    assert status()["status"] == "transcoded"


def test_a_crash_is_retried_and_then_ends_the_upload(
    database: Database, workshop: Workshop, asset_id: str, emitted: Any, status: Any
) -> None:
    def crash() -> None:
        raise FfmpegCrashed("ffmpeg was killed by signal 9")

    crashing = replace(workshop, transcoder=Meddling(workshop.transcoder, crash))

    class AtOnce:
        """Runs what it should send."""

        def has_room(self) -> bool:
            return True

        def send(self, kind: str, job_id: str) -> None:
            assert perform(crashing, kind, job_id)

    for _ in range(MAX_ATTEMPTS):
        assert status()["status"] == "received"
        assert send_due_jobs(database, AtOnce(), give_up) == 1
        _make_due(database)
    assert send_due_jobs(database, AtOnce(), give_up) == 0
    failed = status()
    assert failed["status"] == "failed"
    assert "on our side" in failed["failure"]
    assert emitted("media.asset.failed.v1")[0]["failure"] == failed["failure"]


def test_a_bad_file_fails_at_once_with_the_reason(
    upload: Any, run_jobs: Any, status: Any, emitted: Any, database: Database
) -> None:
    assert upload(b"not music at all\n" * 10, "song.mp3").status_code == 202
    assert run_jobs() == ["media.describe"]
    failed = status()
    assert failed["status"] == "failed"
    assert failed["failure"] == "The file is not audio: it looks like text."
    assert list(failed["stages"]) == ["received", "failed"]
    event = emitted("media.asset.failed.v1")[0]
    assert (event["state"], event["failure"]) == ("failed", failed["failure"])
    with database.reading() as session:
        ended = session.execute(select(job.c.state, job.c.attempt)).one()
    assert (ended.state, ended.attempt) == ("done", 1)


def test_a_file_that_only_fails_later_fails_too(
    database: Database, workshop: Workshop, asset_id: str, status: Any
) -> None:
    perform(workshop, "media.describe", _next_job(database).id)
    original = workshop.storage
    with original.fetch(f"originals/{asset_id}") as path:
        path.write_bytes(path.read_bytes()[:20])
    perform(workshop, TRANSCODE, _next_job(database).id)
    assert status()["status"] == "failed"
    assert "cannot be converted" in status()["failure"]


@BOTH
def test_deleting_an_upload_fences_its_running_job(
    database: Database,
    workshop: Workshop,
    asset_id: str,
    client: Any,
    bearer: Any,
    kept: Kept,
    emitted: Any,
    status: Any,
    run_jobs: Any,
) -> None:
    perform(workshop, "media.describe", _next_job(database).id)
    upload_id = status()["id"]

    def delete_it() -> None:
        deleted = client.delete(f"/api/v1/uploads/{upload_id}", headers=bearer())
        assert deleted.status_code == 204

    deleting = replace(workshop, transcoder=Meddling(workshop.transcoder, delete_it))
    perform(deleting, TRANSCODE, _next_job(database).id)
    assert emitted("media.asset.ready.v1") == []
    assert [event["state"] for event in emitted("media.asset.deleted.v1")] == ["deleted"]
    assert _attempts(kept, asset_id) == set()
    assert run_jobs() == ["media.delete_files"]
    assert kept() == set()


@pytest.mark.parametrize("is_late", [False, True], ids=["in order", "deleted first"])
def test_deleting_a_track_fences_the_running_job_of_its_upload(
    database: Database,
    workshop: Workshop,
    asset_id: str,
    artist_id: str,
    deliver: Any,
    kept: Kept,
    emitted: Any,
    run_jobs: Any,
    is_late: bool,
) -> None:
    perform(workshop, "media.describe", _next_job(database).id)
    track = {"id": new_id(), "owner_id": artist_id, "asset_id": asset_id, "state": "draft"}
    told = [("updated", 1), ("deleted", 2)]

    def delete_it() -> None:
        for kind, version in told[::-1] if is_late else told:
            deliver(f"catalog.track.{kind}.v1", **track, version=version)

    deleting = replace(workshop, transcoder=Meddling(workshop.transcoder, delete_it))
    queued = _next_job(database)
    perform(deleting, TRANSCODE, queued.id)
    with database.reading() as session:
        assert session.scalar(select(job.c.state).where(job.c.id == queued.id)) == "cancelled"
    assert emitted("media.asset.ready.v1") == []
    assert run_jobs() == ["media.delete_files"]
    assert kept() == set()


def test_a_job_is_done_once_however_often_it_is_sent(
    database: Database, workshop: Workshop, asset_id: str, emitted: Any
) -> None:
    queued = _next_job(database)
    assert perform(workshop, "media.describe", queued.id)
    assert not perform(workshop, "media.describe", queued.id)
    assert len(emitted("media.asset.described.v1")) == 1
