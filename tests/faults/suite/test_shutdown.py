"""Every process ends on SIGTERM in its limit, whatever it is doing: test 15."""

import random
import re
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, text
from tests.e2e.traffic import MADE, token_of_a_new_user, write
from tests.faults.scale import Scale, seeded
from tests.faults.suite.agreement import count_doubles, disagreements
from tests.faults.suite.audit import balance, failures, read_jobs
from tests.faults.suite.harness import EVERYTHING, JOBS, WEBS, WORKERS, Suite, free_port
from tests.faults.suite.processes import Process, wait_for
from tests.faults.suite.settle import drain
from tests.faults.suite.writers import Journal, Library, Writer
from tests.faults.tally import Tally

from gateway.testing.load import Outcome, send
from gateway.testing.running import connection
from media.models import Upload
from playlist.models import Playlist

pytestmark = pytest.mark.timeout(7200)

_ROUNDS = {"short": 1, "standard": 3, "full": 20}
_STOPPED = {"short": ("playlist.web", "playlist.worker", JOBS)}
"""In the short form one of each kind; else everything there is."""
_DRAIN_SECONDS, _JOB_GRACE_SECONDS = 1, 1
LIMITS = {
    # The drain, what is under way (common.gunicorn), and a second for Python to end.
    "web": _DRAIN_SECONDS + 20 + 1,
    "worker": 15,
    # Celery asks for messages for up to a second, and ends its threads after the last job.
    "jobs": _JOB_GRACE_SECONDS + 5,
}
_SLOW_SECONDS = 1.5
_LONG_TONE = 80
"""Seconds of sound that take ffmpeg longer than the grace time."""
_RESEND_LEASE_SECONDS = "60"
"""Longer than a restart takes, so that only a stop can make a message come again."""

_COUNTED = re.compile(r"^antiphon_bus_(duplicate|resent)_events_total\{.*\} (\S+)$", re.MULTILINE)


class Stops:
    """Ends processes one after another and keeps account of how that went."""

    def __init__(
        self,
        suite: Suite,
        metrics: Mapping[str, str],
        make_tone: Callable[..., bytes],
        rng: random.Random,
    ) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.answered: list[Outcome] = []
        self.again: Counter[str] = Counter()
        self.redone: list[float] = []
        self._suite, self._metrics, self._rng = suite, metrics, rng
        self._make_tone = make_tone
        self._engineer = suite.person("engineer")
        self._engineer.register()
        self._cut_short: tuple[dict[str, Any], int]
        self.journal = Journal(self._engineer.id)
        self._token = token_of_a_new_user(urlsplit(suite.url("auth")).netloc)

    def stop(self, process: Process) -> None:
        """Send SIGTERM in the middle of work, check the end of it, and start the process again."""
        kind = process.name.partition(".")[2].partition("#")[0]
        around = {"web": self._request_under_way, "jobs": self._transcode_under_way}
        with around.get(kind, self._events_under_way)(process):
            started = time.monotonic()
            code = process.terminate(LIMITS[kind])
            self.seconds[kind].append(time.monotonic() - started)
            assert code == 0, process.output[-3000:]
            assert "Traceback" not in process.output, process.output[-3000:]
        process.start()
        process.wait_until_ready()
        if kind == "jobs":
            self._wait_until_redone()

    def summary(self) -> str:
        """Return the number of stops, the median and the longest of each kind."""
        return "; ".join(
            f"{kind} {len(values)}x p50 {median(values):.1f} max {max(values):.1f} "
            f"of {LIMITS[kind]} s"
            for kind, values in self.seconds.items()
        )

    @contextmanager
    def _request_under_way(self, process: Process) -> Iterator[None]:
        service = process.name.partition(".")[0]
        number = len(self.answered)
        tone = partial(self._make_tone, self._rng.randrange(1 << 30), 2, by="slow")
        request = write(service, self._token, "slow", _SLOW_SECONDS, number, tone)
        with ThreadPoolExecutor() as pool, closing(self._caller(service)) as caller:
            caller.connect()
            under_way: Future[Outcome] = pool.submit(send, caller, request)
            time.sleep(self._rng.uniform(0.2, 0.8))
            yield
            self.answered.append(under_way.result())

    @contextmanager
    def _transcode_under_way(self, _process: Process) -> Iterator[None]:
        tone = self._make_tone(self._rng.randrange(1 << 30), _LONG_TONE, by="engineer")
        upload = self._engineer.upload("long.flac", tone)
        self.journal.uploads[upload["id"]] = upload["asset_id"]
        wait_for(lambda: self._state(upload)[:1] == ("running",), 120, self._suite.tails)
        _, attempt = self._state(upload)
        yield
        # Not running: nobody waits for the end of its lease.
        assert self._state(upload) == ("queued", attempt)
        self._cut_short = (upload, attempt + 1)

    def _wait_until_redone(self) -> None:
        upload, attempt = self._cut_short
        self.redone.append(wait_for(lambda: self._state(upload)[1] >= attempt, 30))

    @contextmanager
    def _events_under_way(self, process: Process) -> Iterator[None]:
        time.sleep(self._rng.uniform(0.2, 0.8))
        self.count(process)
        yield

    def count(self, process: Process) -> None:
        """Add the events that a worker has sent again, and got again, so far."""
        url = f"http://{self._metrics[process.name]}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            for name, value in _COUNTED.findall(answer.read().decode()):
                self.again[name] += int(float(value))

    def _state(self, upload: dict[str, Any]) -> tuple[Any, ...]:
        """Return state and attempt of an upload's transcode, nothing while there is none."""
        rows = read_jobs(self._suite.database("media"))
        wanted = ("media.transcode", upload["asset_id"])
        found = [row for row in rows if (row.kind, row.payload["asset_id"]) == wanted]
        return (found[0].state, found[0].attempt) if found else ()

    def _caller(self, service: str) -> HTTPConnection:
        return connection(urlsplit(self._suite.url(service)).netloc)


def test_every_process_ends_in_time(
    make_suite: Callable[..., Suite],
    make_tone: Callable[..., bytes],
    scale: Scale,
    tally: Tally,
) -> None:
    """Test 15: SIGTERM to each process amid requests, events and a transcode; it comes back.

    What was acknowledged is there once. A transcode that is cut short is queued again at once.
    """
    rng = seeded(15, tally.dialect)
    suite = make_suite(
        # In a full test tokens would run out, and a 401 would look like harm done by a stop.
        AUTH_ACCESS_TOKEN_SECONDS="1500",
        WEB_DRAIN_SECONDS=str(_DRAIN_SECONDS),
        MEDIA_JOB_GRACE_SECONDS=str(_JOB_GRACE_SECONDS),
        RESEND_LEASE_SECONDS=_RESEND_LEASE_SECONDS,
    )
    suite.migrate()
    suite.start(*WEBS, JOBS)
    metrics = {f"{name}#1": f"127.0.0.1:{free_port()}" for name in WORKERS}
    for name in WORKERS:
        suite.start(name, METRICS_BIND=metrics[f"{name}#1"])
    stops = Stops(suite, metrics, make_tone, rng)
    library = Library()
    writers = [
        Writer(suite.person(f"writer{n}"), library, random.Random(rng.random()), make_tone, 5)
        for n in range(2)
    ]
    with _at_work(writers):
        for _ in range(_ROUNDS[scale.name]):
            for process in suite.replicas(*_STOPPED.get(scale.name, EVERYTHING)):
                stops.stop(process)
    drained = drain(suite, scale.drain_seconds)
    for process in suite.replicas(*WORKERS):
        stops.count(process)
    _settle_accounts(suite, stops, writers, tally, drained)


@contextmanager
def _at_work(writers: Sequence[Writer]) -> Iterator[None]:
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        for writer in writers:
            writer.end()


def _settle_accounts(
    suite: Suite, stops: Stops, writers: Sequence[Writer], tally: Tally, drained: float
) -> None:
    ledger, doubles = balance(suite), count_doubles(suite)
    tally.record(
        number=15,
        title="SIGTERM under load",
        committed=ledger.committed,
        applied=ledger.applied,
        lost=len(ledger.lost),
        twice=doubles,
        redelivered=stops.again["duplicate"],
        drained_seconds=drained,
        note=f"{stops.summary()}; jobs begun again {max(stops.redone):.1f} s after the start",
    )
    assert [str(answer) for answer in stops.answered if not answer.is_as_expected] == []
    assert (ledger.lost, ledger.foreign, doubles) == ([], [], 0), failures(suite)
    assert ledger.committed > 0
    # What a stop leaves unacknowledged would come again when its lease is over: nothing is left.
    assert stops.again == Counter(), stops.again
    _note_slow_requests(suite, stops)
    assert disagreements(suite, [stops.journal, *(w.journal for w in writers)]) == []


def _note_slow_requests(suite: Suite, stops: Stops) -> None:
    """Check that each exists once, and note in the journal what the services are to agree on."""
    for answer in stops.answered:
        marker = answer.request.marker
        service = marker.partition("-")[0]
        with suite.database(service).reading() as session:
            made = list(session.execute(text(MADE[service])).scalars())
            assert made.count(marker) == 1
            if service == "playlist":
                found = select(Playlist.id).where(Playlist.name == marker)
                stops.journal.playlists[session.scalars(found).one()] = []
            if service == "media":
                row = select(Upload.id, Upload.asset_id).where(Upload.filename == marker)
                stops.journal.uploads.update([tuple(session.execute(row).one())])
