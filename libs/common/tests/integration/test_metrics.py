"""`/metrics` and `/healthz` of processes without other HTTP, over real HTTP."""

import re
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from common.db import Database, new_id
from common.events import Event, Outbox, emit
from common.events.bus import KombuBus
from common.jobs import enqueue
from common.metrics import Observer, observe_with, observer, server
from common.metrics.reading import Reading
from common.metrics.server import Health, serve
from common.metrics.state import State
from common.testing.schemas import MakeSchema

LOOPS = ("relay", "consumer")
Scrape = Callable[[], dict[tuple[str, ...], float]]


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


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, database: Database, broker_url: str) -> Iterator[str]:
    """Serve the metrics of a service `choir` as its worker would; return the URL."""
    before = observer()
    served = serve("127.0.0.1:0", State("choir", database, broker_url), LOOPS)
    yield f"http://127.0.0.1:{served.server_port}"
    observe_with(before)
    served.shutdown()
    served.server_close()


@pytest.fixture
def scrape(address: str) -> Scrape:
    """Return a function that gives each sample by (name, label value, …), labels in their order."""

    def read() -> dict[tuple[str, ...], float]:
        status, text = _get(f"{address}/metrics")
        assert status == 200
        return {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return read


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def test_what_happens_is_counted(scrape: Scrape) -> None:
    listening = observer()
    listening.published("east", 5, 2)
    listening.held_back("east", 3)
    listening.acknowledged("east", 4)
    listening.applied("a.b.v1", 0.2)
    listening.applied("a.b.v1", 90)
    listening.duplicate("a.b.v1")
    listening.failed("a.b.v1", dead=False)
    listening.failed("a.b.v1", dead=True)
    listening.job_sent("work", expired=False)
    listening.job_sent("work", expired=True)
    listening.job_ended("work", "fenced", 7)
    listening.job_dead("work")

    found = scrape()

    bus, jobs = "antiphon_bus", "antiphon_jobs"
    assert found[f"{bus}_published_events_total", "choir", "east"] == 5
    assert found[f"{bus}_resent_events_total", "choir", "east"] == 2
    assert found[f"{bus}_held_back_events_total", "choir", "east"] == 3
    assert found[f"{bus}_acknowledged_events_total", "choir", "east"] == 4
    assert found[f"{bus}_delivery_seconds_count", "choir", "a.b.v1"] == 2
    assert found[f"{bus}_delivery_seconds_bucket", "60.0", "choir", "a.b.v1"] == 1
    assert found[f"{bus}_duplicate_events_total", "choir", "a.b.v1"] == 1
    assert found[f"{bus}_handler_failures_total", "choir", "a.b.v1"] == 2
    assert found[f"{bus}_dead_letters_total", "choir", "a.b.v1"] == 1
    assert found[f"{jobs}_sent_total", "work", "choir"] == 2
    assert found[f"{jobs}_expired_leases_total", "work", "choir"] == 1
    assert found["antiphon_job_attempt_seconds_count", "work", "fenced", "choir"] == 1
    assert found[f"{jobs}_given_up_total", "work", "choir"] == 1


def test_everything_that_observers_hear_is_measured() -> None:
    from common.metrics.prometheus import PrometheusObserver

    heard = {name for name in vars(Observer) if not name.startswith("_")}
    assert heard <= vars(PrometheusObserver).keys()


def test_a_scrape_reads_schema_and_broker(
    scrape: Scrape, database: Database, broker_url: str
) -> None:
    with database.transaction() as session:
        emit(session, Sung(id=new_id(), version=1))
        enqueue(session, kind="work", key="1", payload={})
    bus = KombuBus(broker_url, "choir")
    bus.publish("choir.acks", [b"1", b"2"])
    bus.close()

    found = scrape()

    for subscriber in ("east", "west"):
        assert found["antiphon_bus_undelivered_events", "choir", subscriber] == 1
        assert found["antiphon_bus_oldest_undelivered_age_seconds", "choir", subscriber] < 30
        assert found["antiphon_bus_relay_lag_seconds", "choir", subscriber] < 30
    assert ("antiphon_bus_undelivered_events", "choir", "external") not in found
    assert found["antiphon_bus_inbox_events", "choir", "dead"] == 0
    assert found["antiphon_jobs", "work", "choir", "queued"] == 1
    assert found["antiphon_bus_queue_messages", "choir.acks", "choir"] == 2
    assert found["antiphon_bus_queue_messages", "choir.jobs", "choir"] == 0
    assert found["antiphon_bus_unacked_messages", "choir"] == 0
    assert found["antiphon_database_up", "choir"] == found["antiphon_broker_up", "choir"] == 1
    assert ("process_resident_memory_bytes",) in found


def test_a_database_that_is_away_is_a_zero_and_no_error(
    scrape: Scrape, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OSError("gone")

    monkeypatch.setattr(database, "reading", refuse)
    found = scrape()
    assert found["antiphon_database_up", "choir"] == 0
    assert found["antiphon_broker_up", "choir"] == 1
    assert not any(name == "antiphon_bus_undelivered_events" for name, *_ in found)


def test_scrapes_in_quick_succession_read_once(
    scrape: Scrape, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    reading = database.reading

    def count() -> Any:
        reads.append(1)
        return reading()

    monkeypatch.setattr(database, "reading", count)
    for _ in range(5):
        scrape()
    assert len(reads) == 1


def test_loops_are_healthy_until_they_stall(
    address: str, scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _get(f"{address}/healthz") == (200, "ok\n")
    monkeypatch.setattr(server, "STALLED_SECONDS", 0.5)
    time.sleep(0.6)
    observer().looped("relay")
    assert _get(f"{address}/healthz") == (503, "stalled: consumer\n")
    timestamps = scrape()
    name = "antiphon_worker_loop_timestamp_seconds"
    assert timestamps[name, "consumer", "choir"] < timestamps[name, "relay", "choir"]
    observer().looped("consumer")
    assert _get(f"{address}/healthz")[0] == 200
    assert _get(f"{address}/elsewhere")[0] == 404


def test_waiting_for_a_broker_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STALLED_SECONDS", 0.2)
    is_there = False
    health = Health({"relay": time.monotonic() - 10}, lambda: is_there)
    assert health.stalled() == []
    is_there = True
    # It gets as long again to get round as any loop does.
    assert health.stalled() == []
    time.sleep(0.3)
    assert health.stalled() == ["relay"]


def test_a_question_that_hangs_is_answered_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.metrics.reading._PATIENCE_SECONDS", 0.1)
    answer_now, asked = threading.Event(), []

    def ask() -> str:
        asked.append(1)
        assert answer_now.wait(10)
        return "answer"

    reading = Reading("slow", ask)
    assert reading.value() is None
    assert reading.value() is None
    answer_now.set()
    monkeypatch.setattr("common.metrics.reading._PATIENCE_SECONDS", 10)
    assert reading.value() == "answer"
    assert len(asked) == 1


def test_an_answer_is_kept_for_seconds_and_longer_if_it_was_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []
    quick, slow = (
        Reading("quick", lambda: asked.append(0)),
        Reading("slow", lambda: time.sleep(0.2)),
    )
    for _ in range(3):
        quick.value()
        time.sleep(0.05)
    assert len(asked) == 1
    monkeypatch.setattr("common.metrics.reading._FRESH_SECONDS", 0.0)
    began = time.monotonic()
    for _ in range(50):
        slow.value()
        time.sleep(0.01)
    assert time.monotonic() - began < 1.5


def test_a_failure_is_not_kept_long_however_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.metrics.reading._FRESH_SECONDS", 0.05)
    is_there = False

    def ask() -> str:
        if not is_there:
            time.sleep(0.3)
            raise OSError("timed out")
        return "answer"

    reading = Reading("unsteady", ask)
    assert reading.value() is None
    is_there = True
    time.sleep(0.1)
    assert reading.value() == "answer"


@pytest.mark.parametrize("bind", ["9100", ":9100", "localhost", "127.0.0.1:", "127.0.0.1:99999"])
def test_an_address_that_cannot_be_used_stops_the_start(
    bind: str, database: Database, broker_url: str
) -> None:
    with pytest.raises(SystemExit, match=f"METRICS_BIND is '{re.escape(bind)}'"):
        serve(bind, State("choir", database, broker_url), LOOPS)


def test_a_port_that_is_taken_stops_the_start(database: Database, broker_url: str) -> None:
    state = State("choir", database, broker_url)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit, match="Address already in use"):
            serve(f"127.0.0.1:{taken.getsockname()[1]}", state, LOOPS)


def test_without_an_address_nothing_is_imported() -> None:
    code = (
        "import sys; import common.events.worker, common.jobs.celery;"
        "from common.metrics import start_metrics, start_job_metrics;"
        "from types import SimpleNamespace as S;"
        "nowhere = S(metrics_bind=None, cloudwatch_namespace=None);"
        "start_metrics(nowhere, 'x', None);"
        "start_job_metrics(nowhere, 'x', None);"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"prometheus_client", "wsgiref", "http.server"} & set(done.stdout.split())
