"""What it means for an upload that operators retry or cancel its job."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from common.db import Database, db_time
from common.errors import Conflict
from common.jobs import end_cancelled_jobs, send_due_jobs
from common.jobs.operations import cancel_job, retry_job
from common.jobs.queue import MAX_ATTEMPTS
from common.jobs.tables import job
from media.services.processing import give_up
from media.services.uploads import DESCRIBE, TRANSCODE


class NoQueue:
    def has_room(self) -> bool:
        return True

    def send(self, kind: str, job_id: str) -> None:
        raise AssertionError("the job should have died")


@pytest.fixture
def audio(make_audio: Callable[..., Path]) -> Path:
    return make_audio("a.mp3", seconds=1)


@pytest.fixture
def dead_job(database: Database, upload: Any, audio: Path) -> str:
    """Upload a file and let the first job die."""
    assert upload(audio).status_code == 202
    with database.transaction() as session:
        session.execute(update(job).values(attempt=MAX_ATTEMPTS, due_at=db_time(session)))
    send_due_jobs(database, NoQueue(), give_up)
    with database.reading() as session:
        row = session.execute(select(job)).one()
    assert row.state == "dead"
    return str(row.id)


@pytest.fixture
def current(client: Any, bearer: Any) -> Callable[[], Any]:
    """Return a function that gives the only upload as its owner sees it."""

    def ask() -> Any:
        (item,) = client.get("/api/v1/uploads", headers=bearer()).json["items"]
        return item

    return ask


def _retry(database: Database, job_id: str) -> str:
    with database.transaction() as session:
        return retry_job(session, job_id)


def test_an_upload_that_failed_goes_on(
    database: Database, dead_job: str, current: Any, run_jobs: Callable[[], list[str]]
) -> None:
    assert current()["status"] == "failed"
    _retry(database, dead_job)
    assert current()["status"] == "failed"

    assert run_jobs() == [DESCRIBE, TRANSCODE]

    assert current()["status"] == "transcoded"
    assert "failed" not in current()["stages"]
    assert current()["failure"] is None


def test_who_uploads_again_meanwhile_begins_anew(
    database: Database,
    dead_job: str,
    upload: Any,
    audio: Path,
    current: Any,
    run_jobs: Callable[[], list[str]],
) -> None:
    again = _retry(database, dead_job)
    assert upload(audio).status_code == 202
    with database.reading() as session:
        states = {row.id: row.state for row in session.execute(select(job))}
    assert states.pop(again) == "cancelled"
    assert list(states.values()) == ["queued"]
    with pytest.raises(Conflict, match="superseded"):
        _retry(database, again)
    assert run_jobs() == [DESCRIBE, TRANSCODE]
    assert current()["status"] == "transcoded"


def _cancel(database: Database, job_id: str) -> None:
    with database.transaction() as session:
        cancel_job(session, job_id)


def test_who_had_an_upload_cancelled_may_upload_again(
    database: Database,
    upload: Any,
    audio: Path,
    current: Any,
    emitted: Any,
    run_jobs: Callable[[], list[str]],
) -> None:
    assert upload(audio).status_code == 202
    with database.reading() as session:
        job_id = session.execute(select(job.c.id)).scalar_one()
    _cancel(database, job_id)
    assert run_jobs() == []
    assert current()["status"] == "received"  # until the worker is there

    assert end_cancelled_jobs(database, give_up) == 1

    assert current()["status"] == "failed"
    assert "operator cancelled" in current()["failure"]
    assert emitted("media.asset.failed.v1")[0]["failure"] == current()["failure"]
    assert upload(audio).status_code == 202
    assert run_jobs() == [DESCRIBE, TRANSCODE]
    assert current()["status"] == "transcoded"


def test_who_retries_what_was_cancelled_has_it_go_on(
    database: Database, dead_job: str, current: Any, run_jobs: Callable[[], list[str]]
) -> None:
    _cancel(database, dead_job)
    end_cancelled_jobs(database, give_up)
    assert "operator cancelled" in current()["failure"]
    _retry(database, dead_job)
    assert run_jobs() == [DESCRIBE, TRANSCODE]
    assert current()["failure"] is None


def test_a_dead_job_that_is_cancelled_leaves_alone_what_began_anew(
    database: Database,
    dead_job: str,
    upload: Any,
    audio: Path,
    current: Any,
    emitted: Any,
    run_jobs: Callable[[], list[str]],
) -> None:
    assert upload(audio).status_code == 202
    _cancel(database, dead_job)
    assert end_cancelled_jobs(database, give_up) == 1
    assert current()["status"] == "received"
    assert run_jobs() == [DESCRIBE, TRANSCODE]
    assert current()["status"] == "transcoded"
    assert len(emitted("media.asset.failed.v1")) == 1
