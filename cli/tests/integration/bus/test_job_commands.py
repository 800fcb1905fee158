"""`antiphon jobs`: what operators type, what they read, what it changes, and the exit codes."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from common.jobs import enqueue
from common.jobs.tables import job

RunJson = Callable[..., Any]


@pytest.fixture
def make_job(open_database: Any) -> Callable[..., str]:
    """Return a function that makes a job of media in a state."""

    def make(key: str, state: str = "queued", **values: Any) -> str:
        payload = {"asset_id": values.pop("asset_id", key)}
        with open_database("media") as database, database.transaction() as session:
            job_id = enqueue(session, kind="media.describe", key=key, payload=payload)
            mine = job.c.id == job_id
            session.execute(update(job).where(mine).values(state=state, **values))
        return job_id

    return make


@pytest.fixture
def rows(open_database: Any) -> Callable[[], dict[str, Any]]:
    """Return a function that gives all jobs by key."""

    def read() -> dict[str, Any]:
        with open_database("media") as database, database.reading() as session:
            return {row.key: row for row in session.execute(select(job))}

    return read


def test_lists_what_is_not_over(run: Any, run_json: RunJson, make_job: Any) -> None:
    assert run("jobs", "list").stdout == "There are no such jobs.\n"
    queued, dead = make_job("1"), make_job("2", "dead", attempt=5, last_error="boom\nand more")
    done = make_job("3", "done")

    listed = run("jobs", "list")
    assert listed.exit_code == 0
    assert [name in listed.stdout for name in (queued, dead, done)] == [True, True, False]
    assert "boom" in listed.stdout
    assert "and more" not in listed.stdout

    def ids(*options: str) -> list[str]:
        return [one["id"] for one in run_json("jobs", "list", *options)["jobs"]]

    assert ids() == [dead, queued]
    assert ids("--state", "done", "--state", "dead") == [done, dead]
    assert ids("--kind", "media.transcode") == []
    assert "There are media.describe." in run("jobs", "list", "--kind", "nope").stdout
    assert ids("--limit", "1") == [dead]
    assert run("jobs", "list", "--state", "lost").exit_code == 2


def test_a_service_without_jobs_has_none(run: Any, make_job: Any) -> None:
    make_job("1")
    assert run("jobs", "list", "--service", "catalog").stdout == "There are no such jobs.\n"


def test_retries_what_died(run: Any, make_job: Any, rows: Any) -> None:
    dead, queued = make_job("dead", "dead", attempt=5), make_job("queued")

    result = run("jobs", "retry", dead, queued, "nobody")

    assert result.exit_code == 1
    row = rows()["dead"]
    assert (row.state, row.attempt) == ("queued", 0)
    assert f"Job {dead} of media is queued again as {row.id}." in result.stdout
    assert "stands until the new one ends well" in result.stdout
    assert f"Job {queued} is queued: only a dead or cancelled one" in result.stderr
    assert "There is no job nobody in media. One that was retried has a new id" in result.stderr
    elsewhere = run("jobs", "retry", row.id, "--service", "catalog")
    assert "in catalog, where there are no jobs at all" in elsewhere.stderr
    assert rows()["queued"].id == queued


def test_does_not_retry_what_was_begun_anew(run: Any, make_job: Any, rows: Any) -> None:
    old = make_job("run 1", "dead", asset_id="same")
    new = make_job("run 2", "done", asset_id="same")
    result = run("jobs", "retry", old)
    assert result.exit_code == 1
    assert new in result.stderr
    assert "Nothing was changed." in result.stderr
    assert rows()["run 1"].state == "dead"


def test_cancels_and_says_what_that_means(
    run: Any, run_json: RunJson, make_job: Any, rows: Any
) -> None:
    running, dead, done = make_job("1", "running"), make_job("2", "dead"), make_job("3", "done")

    result = run("jobs", "cancel", running)
    assert result.exit_code == 0
    assert f"Job {running} of media, which was running, is cancelled." in result.stdout
    assert "ends what it was for as failed" in result.stdout
    assert "stops at the next heartbeat" in result.stdout
    assert "heartbeat" not in run("jobs", "cancel", make_job("4")).stdout
    record = run_json("jobs", "cancel", dead, done, code=1)
    assert [change["job_id"] for change in record["changed"]] == [dead]
    assert [refusal["job_id"] for refusal in record["refused"]] == [done]
    assert {key: row.state for key, row in rows().items()} == {
        "1": "cancelling",
        "2": "cancelling",
        "3": "done",
        "4": "cancelling",
    }
