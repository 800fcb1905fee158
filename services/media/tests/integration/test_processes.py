"""The worker and the jobs process as they really run, on a real Valkey, and what a signal does."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from common.db import Database, db_time, new_id, utcnow
from common.events.tables import inbox, outbox, outbox_delivery
from common.jobs import enqueue
from common.jobs.operations import cancel_job
from common.jobs.tables import job
from common.testing.contracts import published_samples
from common.testing.emf import read_metrics
from media.settings import MediaSettings

MakeAudio = Callable[..., Path]
Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start(
    settings: MediaSettings, database: Database, tmp_path: Path, cloudinary_url: str | None
) -> Iterator[Start]:
    """Start `python -m <module>`; whatever still runs at the end is stopped by its id."""
    environment = os.environ | {
        "STORAGE": settings.storage,
        "CLOUDINARY_URL": cloudinary_url or "",
        "MEDIA_DATABASE_URL": database.engine.url.render_as_string(hide_password=False),
        "MEDIA_STORAGE_DIR": str(settings.storage_dir),
        "MEDIA_URL_SECRET": "a secret for tests only",
        "MEDIA_JOB_GRACE_SECONDS": "0",
        "MEDIA_JOB_CONCURRENCY": "2",
        "BROKER_URL": settings.broker_url,
        "CACHE_URL": settings.cache_url,
        "CONTRACTS_DIR": str(settings.contracts_dir),
        "JWKS_URL": "http://unused.test",
        "TOKEN_ISSUER": "http://issuer.test",
    }
    started: list[subprocess.Popen[bytes]] = []

    def run(module: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{module}.log").open("ab") as log:
            command = [sys.executable, "-m", module]
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def status(client: Any, bearer: Any) -> Callable[[], str]:
    return lambda: str(client.get("/api/v1/uploads", headers=bearer()).json["items"][0]["status"])


def _wait_until(condition: Callable[[], object], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def _ffmpeg_reads(path: Path) -> bool:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(path).encode() in (folder / "cmdline").read_bytes():
                return True
        except OSError:  # it ended while we looked
            continue
    return False


def _is_encoding(storage_dir: Path) -> bool:
    return any(storage_dir.glob("incoming/work-*/128k.m4s"))


def _stop(process: subprocess.Popen[bytes]) -> float:
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)
    return time.monotonic() - started


@pytest.mark.parametrize("storage_kind", ["local", "cloudinary"])
def test_an_upload_is_processed_and_deleted_and_everything_stops_cleanly(
    start: Start,
    upload: Any,
    make_audio: MakeAudio,
    client: Any,
    bearer: Any,
    status: Any,
    kept: Callable[[], set[str]],
) -> None:
    worker, jobs = start("media.worker"), start("media.jobs")
    sent = upload(make_audio("a.mp3", seconds=1))
    assert sent.status_code == 202
    _wait_until(lambda: status() == "transcoded")
    assert len(kept()) == 8
    deleted = client.delete(f"/api/v1/uploads/{sent.json['id']}", headers=bearer())
    assert deleted.status_code == 204
    _wait_until(lambda: not kept())
    for process in (worker, jobs):
        assert _stop(process) < 20
        assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_survives_the_end_of_its_process(
    start: Start,
    upload: Any,
    make_audio: MakeAudio,
    status: Any,
    database: Database,
    storage_dir: Path,
    emitted: Any,
    number: signal.Signals,
) -> None:
    start("media.worker")
    first = start("media.jobs")
    # Long enough to be caught in the act, and under the upload limit.
    audio = make_audio("a.mp3", seconds=200)
    sent = upload(audio).json
    original = storage_dir / "originals" / sent["asset_id"]
    _wait_until(lambda: _is_encoding(storage_dir))
    first.send_signal(number)
    first.wait(timeout=30)
    _wait_until(lambda: not _ffmpeg_reads(original), 5)
    assert status() == "described"
    if number == signal.SIGKILL:
        # The lease lasts 30 s; the test need not.
        with database.transaction() as session:
            session.execute(
                update(job).where(job.c.state == "running").values(due_at=db_time(session))
            )
    start("media.jobs")
    _wait_until(lambda: status() == "transcoded")
    assert len(emitted("media.asset.ready.v1")) == 1
    with database.reading() as session:
        rows = session.execute(select(job.c.kind, job.c.state, job.c.attempt)).all()
    assert {(row.kind, row.state, row.attempt) for row in rows} == {
        ("media.describe", "done", 1),
        ("media.transcode", "done", 2),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_running_job_that_is_cancelled_stops_and_fails_its_upload(
    start: Start,
    upload: Any,
    make_audio: MakeAudio,
    status: Any,
    database: Database,
    storage_dir: Path,
    emitted: Any,
) -> None:
    start("media.worker")
    start("media.jobs")
    audio = make_audio("a.mp3", seconds=200)
    sent = upload(audio).json
    original = storage_dir / "originals" / sent["asset_id"]
    _wait_until(lambda: _is_encoding(storage_dir))
    with database.transaction() as session:
        mine = select(job.c.id).where(job.c.state == "running")
        assert cancel_job(session, session.execute(mine).scalar_one()) == "running"
    _wait_until(lambda: status() == "failed", 10)
    _wait_until(lambda: not _ffmpeg_reads(original))
    assert "operator cancelled" in emitted("media.asset.failed.v1")[0]["failure"]

    assert upload(audio).status_code == 202
    _wait_until(lambda: status() == "transcoded")
    assert len(emitted("media.asset.ready.v1")) == 1


@pytest.fixture
def metrics_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the processes that are started serve metrics; return where."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{trial.getsockname()[1]}"
    monkeypatch.setenv("METRICS_BIND", address)
    return f"http://{address}"


@pytest.mark.parametrize(
    ("module", "loops"),
    [("media.worker", {"relay", "acks", "consumer", "chores"}), ("media.jobs", {"celery"})],
)
def test_a_process_tells_that_all_its_loops_get_round(
    metrics_url: str, start: Start, module: str, loops: set[str]
) -> None:
    began = time.time()
    start(module)
    rounds = re.compile(r'_loop_timestamp_seconds\{loop="(\w+)",service="media"\} (\S+)')

    def timestamps() -> dict[str, float]:
        try:
            with urllib.request.urlopen(f"{metrics_url}/metrics", timeout=10) as answer:
                found = rounds.findall(answer.read().decode())
        except urllib.error.URLError:  # not up yet
            return {}
        return {loop: float(at) for loop, at in found}

    _wait_until(timestamps)
    first = timestamps()
    assert first.keys() == loops
    assert min(first.values()) > began
    _wait_until(lambda: all(at > first[loop] for loop, at in timestamps().items()))
    with urllib.request.urlopen(f"{metrics_url}/healthz", timeout=10) as answer:
        assert answer.status == 200


@pytest.fixture
def cloudwatch_namespace(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the processes that are started publish to CloudWatch; return where."""
    monkeypatch.setenv("CLOUDWATCH_NAMESPACE", "antiphon-test")
    return "antiphon-test"


def _fall_behind(database: Database, contracts_dir: Path) -> None:
    """Leave a delivery of 90 s ago, an event to retry, a dead letter, and a job that waits."""
    now = utcnow()
    later = now + timedelta(hours=1)
    envelope = published_samples(contracts_dir, "media")["media.asset.ready.v1"]
    event = {"event_id": new_id(), "type": envelope["type"], "subject": envelope["subject"]}
    emitted = {**event, "version": 1, "created_at": now - timedelta(seconds=90)}
    delivery = {"event_id": event["event_id"], "subscriber": "catalog", "next_at": later}
    with database.transaction() as session:
        session.execute(insert(outbox).values(**emitted, envelope=json.dumps(envelope)))
        session.execute(insert(outbox_delivery).values(**delivery))
        for state in ("retry", "dead"):
            failed = {**event, "event_id": new_id(), "state": state, "next_at": later}
            session.execute(insert(inbox).values(**failed, received_at=now))
        enqueue(session, kind="media.describe", key="1", payload={"upload_id": new_id()})


def test_a_worker_tells_cloudwatch_how_far_behind_it_is(
    cloudwatch_namespace: str,
    start: Start,
    database: Database,
    contracts_dir: Path,
    tmp_path: Path,
) -> None:
    _fall_behind(database, contracts_dir)
    worker = start("media.worker")
    log = tmp_path / "media.worker.log"
    _wait_until(lambda: "OldestUndeliveredAge" in log.read_text())
    _wait_until(lambda: "worker_started" in log.read_text())
    assert _stop(worker) < 20
    found = read_metrics(log.read_text(), cloudwatch_namespace)
    values = {name: value for name, (value, _) in found["Service", "media"].items()}
    assert 90 <= values.pop("OldestUndeliveredAge") < 200
    assert 0 <= values.pop("OldestJobAge") < 100
    assert values == {
        "UndeliveredEvents": 1,
        "DeadEvents": 1,
        "RetryingEvents": 1,
        "QueueLength": 0,
        "OpenJobs": 1,
        "DeadJobs": 0,
    }
    assert 90 <= found["Subscriber", "catalog"]["OldestUndeliveredAge"][0] < 200
    assert found["Subscriber", "auth"]["OldestUndeliveredAge"][0] == 0
