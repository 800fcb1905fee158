"""What a worker writes to stdout for CloudWatch, read from a real schema and a real broker."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from common.db import Database, new_id
from common.events import Event, Outbox, emit
from common.events.bus import KombuBus
from common.jobs import enqueue
from common.metrics.cloudwatch import publish_once
from common.metrics.state import State
from common.testing.emf import Metrics, read_metrics
from common.testing.schemas import MakeSchema

CHOIR = ("Service", "choir")


class Sung(Event):
    event_type: ClassVar = "choir.note.sung.v1"
    subject_kind: ClassVar = "note"


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    # A schema with the tables of bus and jobs.
    routes = {Sung.event_type: ["east", "west", "external"]}
    database = Database(make_schema("media"), info={"outbox": Outbox("/choir", routes)})
    yield database
    database.dispose()


def test_schema_and_broker_are_read(
    database: Database, broker_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as session:
        emit(session, Sung(id=new_id(), version=1))
        enqueue(session, kind="work", key="1", payload={})
    bus = KombuBus(broker_url, "choir")
    bus.publish("choir.acks", [b"1", b"2"])
    bus.publish("choir.events", [b"3"])
    bus.close()

    publish_once("antiphon-test", State("choir", database, broker_url))

    found = read_metrics(capsys.readouterr().out, "antiphon-test")
    assert found.keys() == {CHOIR, ("Subscriber", "east"), ("Subscriber", "west")}
    counts = {name: value for name, (value, unit) in found[CHOIR].items() if unit == "Count"}
    assert counts == {
        "UndeliveredEvents": 2,
        "DeadEvents": 0,
        "RetryingEvents": 0,
        "QueueLength": 3,
        "OpenJobs": 1,
        "DeadJobs": 0,
    }
    for age in ("OldestUndeliveredAge", "OldestJobAge"):
        assert 0 <= found[CHOIR][age][0] < 60


def test_what_answers_is_published_while_the_other_is_away(
    database: Database,
    broker_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    publish_once("antiphon-test", State("choir", database, "redis://127.0.0.1:1"))
    without_broker = read_metrics(capsys.readouterr().out, "antiphon-test")[CHOIR]
    assert "DeadEvents" in without_broker
    assert "QueueLength" not in without_broker

    def refuse() -> None:
        raise OSError("gone")

    monkeypatch.setattr(database, "reading", refuse)
    publish_once("antiphon-test", State("choir", database, broker_url))
    without_database = read_metrics(capsys.readouterr().out, "antiphon-test")
    assert without_database == {CHOIR: {"QueueLength": (0, "Count")}}


WORKER = """
from common.db import Database
from common.events.worker import run_worker
from common.settings import ServiceSettings, load
from common.metrics import cloudwatch
cloudwatch.PERIOD_SECONDS = 1
settings = load(ServiceSettings)
run_worker("choir", settings, Database(settings.database_url), {})
"""


def _run(log: Path, **environment: str) -> subprocess.Popen[bytes]:
    given = {
        "JWKS_URL": "http://unused.test",
        "TOKEN_ISSUER": "http://issuer.test",
        "CONTRACTS_DIR": "/nowhere",
    }
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-c", WORKER], env=os.environ | given | environment, stdout=out
        )


def _wait_for(process: subprocess.Popen[bytes], log: Path, text: str, times: int) -> None:
    deadline = time.monotonic() + 60
    while log.read_text().count(text) < times:
        assert process.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()


def test_a_worker_lives_on_while_database_and_broker_are_away(
    tmp_path: Path, cache_url: str
) -> None:
    log = tmp_path / "log"
    process = _run(
        log,
        DATABASE_URL="sqlite:////nowhere/choir.db",
        BROKER_URL="redis://127.0.0.1:1",
        CACHE_URL=cache_url,
        CLOUDWATCH_NAMESPACE="antiphon-test",
    )
    try:
        _wait_for(process, log, '"without": ["database", "broker"]', times=3)
    finally:
        _end(process)
    assert "_aws" not in log.read_text()


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_lines_keep_coming_and_are_documents_in_either_format_of_the_log(
    tmp_path: Path, database: Database, broker_url: str, cache_url: str, log_format: str
) -> None:
    log = tmp_path / "log"
    process = _run(
        log,
        DATABASE_URL=database.engine.url.render_as_string(hide_password=False),
        BROKER_URL=broker_url,
        CACHE_URL=cache_url,
        CLOUDWATCH_NAMESPACE="antiphon-test",
        LOG_FORMAT=log_format,
    )
    try:
        _wait_for(process, log, '"QueueLength":0}', times=3)
    finally:
        _end(process)
    found: Metrics = read_metrics(log.read_text(), "antiphon-test")
    assert found[CHOIR]["QueueLength"] == (0, "Count")


def test_without_a_namespace_nothing_is_written(
    tmp_path: Path, database: Database, broker_url: str, cache_url: str
) -> None:
    log = tmp_path / "log"
    process = _run(
        log,
        DATABASE_URL=database.engine.url.render_as_string(hide_password=False),
        BROKER_URL=broker_url,
        CACHE_URL=cache_url,
    )
    try:
        _wait_for(process, log, "worker_started", times=1)
    finally:
        _end(process)
    assert "_aws" not in log.read_text()


def test_prometheus_is_not_imported_for_cloudwatch() -> None:
    code = "import sys, common.metrics.cloudwatch, common.events.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"prometheus_client", "wsgiref"} & set(done.stdout.split())
