"""Jobs of killed, stalled and forgetful processes: tests 11 to 13."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.faults.scale import Scale, seeded
from tests.faults.servers import RedisServer
from tests.faults.suite.audit import count_events, read_jobs
from tests.faults.suite.harness import JOBS, Suite
from tests.faults.suite.people import Person
from tests.faults.suite.processes import Process, command_lines, descendants, is_running, wait_for
from tests.faults.tally import Tally

from common.db import Database
from common.jobs import Fenced, RunningJob
from media.models import Asset

pytestmark = pytest.mark.timeout(3600)

MakeSuite = Callable[..., Suite]
MakeTone = Callable[..., bytes]

_LEASE_SECONDS = {"short": 2, "standard": 4, "full": 30}
_KILLS = {"short": 1, "standard": 4, "full": 20}
_STALLS = {"standard": 2, "full": 10}
_QUEUED = {"standard": 30, "full": 100}
_TAKEOVER_SECONDS = 5
"""Over the lease: the sweep, and the message to the next process."""
_START_SECONDS = 5
"""What a killed process takes to come back: the queue, for a job that waits for it."""
_LONG_TONE = 80
"""Seconds of sound that take ffmpeg some seconds of work."""
_HALF_OF_IT = _LONG_TONE * 448_000 // 8 // 2
"""Bytes, in all renditions together, when about half of that work is done."""


@pytest.fixture
def media(make_suite: MakeSuite, scale: Scale) -> Callable[..., tuple[Suite, Person]]:
    """Return a function that starts what an upload needs, with processes that take jobs."""

    def make(jobs: int, **environment: str) -> tuple[Suite, Person]:
        lease = str(_LEASE_SECONDS[scale.name])
        suite = make_suite(MEDIA_JOB_LEASE_SECONDS=lease, **environment)
        suite.migrate("auth", "media")
        suite.start("auth.web", "media.web", "media.worker", *[JOBS] * jobs)
        suite.keep()
        person = suite.person("engineer")
        person.register()
        return suite, person

    return make


def test_a_process_killed_in_mid_transcode(
    media: Any, make_tone: MakeTone, scale: Scale, tally: Tally
) -> None:
    """Test 11: the next attempt starts when the lease ends; the killed one's writes are refused."""
    suite, person = media(jobs=1)
    rng, database = seeded(11, tally.dialect), suite.database("media")
    (jobs,) = suite.replicas(JOBS)
    takeovers: list[float] = []
    for number in range(_KILLS[scale.name]):
        upload = person.upload(f"{number}.flac", make_tone(number, _LONG_TONE))
        _, ffmpeg = _wait_for_transcoding(suite, jobs)
        time.sleep(rng.uniform(0, 0.5))
        attempt = _transcode_job(database, upload).attempt
        # Every second time ffmpeg is spared, and must notice that nobody waits for it.
        jobs.kill_tree() if number % 2 == 0 else jobs.kill()
        killed = _transcode_job(database, upload)
        assert (killed.state, killed.attempt) == ("running", attempt)
        takeovers.append(_wait_for_attempt(database, upload, attempt + 1))
        assert not is_running(ffmpeg), "ffmpeg outlived the process that waits for it"
        _assert_fenced(database, killed)
        _wait_until_done(suite, [upload])
    counts = _count_completions(suite)
    tally.record(
        number=11,
        title="jobs killed in mid-transcode",
        drained_seconds=max(takeovers),
        note=f"{len(takeovers)} kills, lease {_LEASE_SECONDS[scale.name]} s; "
        f"drained: the longest until the next attempt",
        **counts,
    )
    assert (counts["lost"], counts["twice"], counts["committed"]) == (0, 0, len(takeovers))
    assert max(takeovers) <= _LEASE_SECONDS[scale.name] + _TAKEOVER_SECONDS + _START_SECONDS
    assert not _ffmpegs(suite), "an ffmpeg was orphaned"


@pytest.mark.standard
def test_a_process_stalled_past_its_lease(
    media: Any, make_tone: MakeTone, scale: Scale, tally: Tally
) -> None:
    """Test 12: what a stalled process does after it was given up is not kept.

    Every second one goes on as soon as its successor has begun, which it is far ahead of: it would
    publish first. The others are stopped with their ffmpeg until the successor has published.
    """
    suite, person = media(jobs=2)
    database, takeovers = suite.database("media"), []
    for number in range(_STALLS[scale.name]):
        upload = person.upload(f"{number}.flac", make_tone(number, _LONG_TONE))
        stalled, ffmpeg = _wait_for_transcoding(suite)
        job = _transcode_job(database, upload)
        is_ahead = number % 2 == 0
        wait_for(lambda: _written(suite) > _HALF_OF_IT, 60, suite.tails)
        stalled.signal(signal.SIGSTOP)
        if not is_ahead:
            os.kill(ffmpeg, signal.SIGSTOP)
        takeovers.append(_wait_for_attempt(database, upload, job.attempt + 1))
        if not is_ahead:
            _wait_until_done(suite, [upload])
            os.kill(ffmpeg, signal.SIGCONT)
        stalled.signal(signal.SIGCONT)
        wait_for(lambda j=job, s=stalled: _outcome(s, j) == "fenced", 60, suite.tails)  # type: ignore[misc]
        _wait_until_done(suite, [upload])
    counts = _count_completions(suite)
    tally.record(
        number=12,
        title="jobs stopped past their lease",
        drained_seconds=max(takeovers),
        note=f"{len(takeovers)} stops, lease {_LEASE_SECONDS[scale.name]} s; "
        f"drained: the longest until the next attempt",
        **counts,
    )
    assert (counts["lost"], counts["twice"], counts["committed"]) == (0, 0, len(takeovers))
    assert max(takeovers) <= _LEASE_SECONDS[scale.name] + _TAKEOVER_SECONDS
    assert list((suite.storage / "incoming").iterdir()) == []


@pytest.mark.standard
def test_redis_wiped_with_jobs_queued(
    media: Any,
    make_tone: MakeTone,
    scale: Scale,
    tally: Tally,
    redis_server: RedisServer,
) -> None:
    """Test 13: jobs whose messages are gone are sent again, and each is done once.

    Wiped twice: with all of them queued, and when some are done.
    """
    suite, person = media(jobs=0, MEDIA_JOB_CONCURRENCY="2")
    count = _QUEUED[scale.name]
    uploads = [person.upload(f"{n}.flac", make_tone(n, 1)) for n in range(count)]
    wait_for(lambda: redis_server.depth("media.jobs") == count, 30)
    redis_server.kill()
    redis_server.start()
    assert redis_server.depth("media.jobs") == 0
    started = time.monotonic()
    suite.start(JOBS)
    database = suite.database("media")
    wait_for(lambda: sum(j.state == "done" for j in read_jobs(database)) > count // 2, 120)
    redis_server.wipe()
    _wait_until_done(suite, uploads, 300)
    drained = time.monotonic() - started
    counts = _count_completions(suite)
    tally.record(
        number=13,
        title=f"Redis wiped with {count} jobs queued",
        drained_seconds=drained,
        note="and again when a quarter was done",
        **counts,
    )
    assert (counts["lost"], counts["twice"], counts["committed"]) == (0, 0, count)
    # Nobody was killed: a second attempt would be work done twice.
    assert counts["redelivered"] == 0


def _ffmpegs(suite: Suite) -> list[int]:
    """Return who works on files of this suite."""
    return [pid for pid, line in command_lines() if str(suite.storage) in line]


def _transcoding(jobs: Process) -> int | None:
    children = set(descendants(jobs.pid))
    return next((pid for pid, line in command_lines() if pid in children and ".m4s" in line), None)


def _wait_for_transcoding(suite: Suite, *among: Process) -> tuple[Process, int]:
    found: list[tuple[Process, int]] = []

    def look() -> bool:
        # What was seen is kept: a process that is about to become ffmpeg is not seen each time.
        for jobs in among or suite.replicas(JOBS):
            pid = _transcoding(jobs)
            if pid is not None:
                found.append((jobs, pid))
        return bool(found)

    wait_for(look, 60, suite.tails)
    return found[0]


def _written(suite: Suite) -> int:
    """Return how many bytes of renditions are in workspaces."""
    return sum(path.stat().st_size for path in suite.storage.glob("incoming/work-*/*.m4s"))


def _transcode_job(database: Database, upload: dict[str, Any]) -> Any:
    (row,) = [
        row
        for row in read_jobs(database)
        if row.kind == "media.transcode" and row.payload["asset_id"] == upload["asset_id"]
    ]
    return row


def _wait_for_attempt(database: Database, upload: dict[str, Any], attempt: int) -> float:
    """Return the seconds until an attempt has begun."""
    return wait_for(
        lambda: _transcode_job(database, upload).attempt >= attempt,
        120,
        lambda: f"no attempt {attempt}: {_transcode_job(database, upload)}",
    )


def _outcome(process: Process, job: Any) -> str | None:
    """Return how a process says that its attempt of a job ended."""
    for line in process.output.splitlines():
        if '"job_ended"' in line:
            ended = json.loads(line)
            if (ended["job_id"], ended["attempt"]) == (job.id, job.attempt):
                return str(ended["outcome"])
    return None


def _wait_until_done(suite: Suite, uploads: list[dict[str, Any]], seconds: float = 60) -> None:
    database, wanted = suite.database("media"), {upload["asset_id"] for upload in uploads}

    def done() -> bool:
        rows = [row for row in read_jobs(database) if row.kind == "media.transcode"]
        ended = {row.payload["asset_id"] for row in rows if row.state not in ("queued", "running")}
        return wanted <= ended

    wait_for(done, seconds, lambda: f"{read_jobs(database)}\n{suite.tails()}")


def _assert_fenced(database: Database, killed: Any) -> None:
    """Try to complete the job as the killed attempt would have."""
    late = RunningJob(killed.id, killed.kind, killed.payload, killed.attempt)
    with pytest.raises(Fenced), database.transaction() as session:
        late.complete(session)


def _count_completions(suite: Suite) -> dict[str, int]:
    """Count assets that became ready once, by their events, rows and files; jobs by attempts."""
    database = suite.database("media")
    ready = count_events(database, "media.asset.ready.v1")
    described = count_events(database, "media.asset.described.v1")
    with database.reading() as session:
        assets = session.scalars(select(Asset)).unique().all()
        served = {asset.id for asset in assets if _is_served(suite.storage, asset)}
    jobs = read_jobs(database)
    assert {row.state for row in jobs} == {"done"}
    return {
        "committed": len(assets),
        "applied": sum(ready.values()),
        "lost": sum(asset.id not in served or ready[asset.id] == 0 for asset in assets),
        "twice": sum(n - 1 for counted in (ready, described) for n in counted.values() if n > 1),
        "redelivered": sum(int(row.attempt) - 1 for row in jobs),
    }


def _is_served(storage: Path, asset: Asset) -> bool:
    """Say whether the newest attempt is served, with whole files, and no other one is left."""
    folder = storage / asset.renditions_key
    if [each.name for each in folder.iterdir()] != [f"attempt-{asset.attempts}"]:
        return False
    sizes = {
        each.name: (folder / f"attempt-{asset.attempt}" / f"{each.name}.m4s").stat().st_size
        for each in asset.renditions
    }
    return sizes == {each.name: each.size_bytes for each in asset.renditions} and len(sizes) == 3
