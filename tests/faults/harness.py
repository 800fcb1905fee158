"""Runs the choir's processes on servers that a test breaks, and counts what came of its events."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Table, func, insert, select
from tests.faults import choir
from tests.faults.scale import Scale
from tests.faults.servers import RedisServer, SqlServer, kill
from tests.faults.tally import Tally

from common.db import Database, new_id
from common.events.tables import inbox, outbox, outbox_delivery

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Counts:
    """What became of the notes that were sung, over all subscribers."""

    committed: int
    applied: int
    lost: int
    twice: int
    redelivered: int


class Choir:
    """A producer `choir` and its subscribers, each with a schema of its own."""

    def __init__(
        self,
        folder: Path,
        sql: SqlServer,
        redis: RedisServer,
        scale: Scale,
        subscribers: Sequence[str],
    ) -> None:
        self.redis, self.scale, self.subscribers = redis, scale, subscribers
        self._folder = folder
        self._urls = {name: sql.url(name) for name in ("choir", *subscribers)}
        self._databases = {name: self._open(name) for name in self._urls}
        self._journal = folder / "journal"
        self._journal.touch()
        self._processes: list[Process] = []

    def _open(self, name: str) -> Database:
        database = choir.open_database(
            self._urls[name], list(self.subscribers), self.redis.cache_url
        )
        choir.create_schema(database)
        return database

    @property
    def producer(self) -> Database:
        """The producer's schema."""
        return self._databases["choir"]

    def consumer(self, name: str = "") -> Database:
        """Return a subscriber's schema; without a name, that of the first."""
        return self._databases[name or self.subscribers[0]]

    def start(self, name: str, **environment: object) -> Process:
        """Start a worker of the producer or of a subscriber."""
        return self._run(name, ["work", name], environment)

    def start_writer(
        self, subjects: Sequence[str], seconds: float = 0, **environment: object
    ) -> Process:
        """Start a process that sings what of `subjects` is not sung yet, over about `seconds`."""
        plan = self._folder / "plan"
        plan.write_text("\n".join(subjects))
        pace = seconds / max(len(subjects), 1)
        return self._run("choir", ["sing", plan, self._journal], {"PACE": pace} | environment)

    def _run(self, name: str, arguments: list[Any], environment: dict[str, object]) -> Process:
        variables = {
            "NAME": name,
            "FOLDER": self._folder,
            "DATABASE_URL": self._urls[name],
            "BROKER_URL": self.redis.broker_url,
            "CACHE_URL": self.redis.cache_url,
            "SUBSCRIBERS": ",".join(self.subscribers),
            "RESEND_LEASE_SECONDS": self.scale.resend_lease_seconds,
            "VISIBILITY_SECONDS": self.scale.visibility_seconds,
            "QUEUE_LIMIT": self.scale.queue_limit,
        } | environment
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, choir.__file__, *arguments],
                env=os.environ | {key: str(value) for key, value in variables.items()},
                stdout=log,
                stderr=log,
                # Linux shares out processors by session (sched(7), autogroup): in one, all of a
                # test's processes would get what each process of the suite's tests gets.
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def sing(self, count: int) -> list[str]:
        """Commit notes from this process, as fast as it can; return their subjects."""
        subjects = new_subjects(count)
        for subject in subjects:
            choir.sing(self.producer, subject, self._journal)
        return subjects

    def received(self, name: str = "") -> Counter[str]:
        """Return how often each event was handed to a subscriber; without a name, to the first."""
        return Counter(line[0] for line in self._lines(f"{name or self.subscribers[0]}.received"))

    def versions(self) -> dict[str, list[int]]:
        """Return which versions of each subject had an effect at the first subscriber, in turn."""
        found: dict[str, list[int]] = {}
        with self.consumer().reading() as session:
            for row in session.execute(select(choir.effect).order_by(choir.effect.c.number)):
                found.setdefault(row.subject_id, []).append(row.version)
        return found

    def verses(self) -> dict[str, tuple[int, str, bool]]:
        """Return the version, the text and whether it is deleted of each verse at the first."""
        with self.consumer().reading() as session:
            verses = session.execute(select(choir.Verse)).scalars()
            return {verse.id: (verse.src_version, verse.text, verse.deleted) for verse in verses}

    def poison(self, subject: str) -> None:
        """Make the handler fail for a note."""
        with self.consumer().transaction() as session:
            session.execute(insert(choir.poison).values(subject_id=subject))

    def sung(self) -> int:
        """Return how many notes are in the journal."""
        return self._journal.read_bytes().count(b"\n")

    def waiting(self, subscriber: str = "%") -> int:
        """Return how many deliveries are not acknowledged yet, to one subscriber or to all."""
        return _count(self.producer, outbox_delivery, outbox_delivery.c.subscriber.like(subscriber))

    def sent(self) -> int:
        """Return how many unacknowledged deliveries count as sent at least once."""
        return _count(self.producer, outbox_delivery, outbox_delivery.c.attempts > 0)

    def last_received(self, name: str) -> float:
        """Return when a subscriber was last handed a message; 0 for never."""
        lines = self._lines(f"{name}.received")
        return float(lines[-1][1]) if lines else 0.0

    def applied(self, name: str = "") -> int:
        """Return how many effects a subscriber has."""
        return _count(self.consumer(name), choir.effect)

    def inbox_states(self) -> dict[str, int]:
        """Return how many events are done, retried and dead at the first subscriber."""
        counts = select(inbox.c.state, func.count().label("n")).group_by(inbox.c.state)
        with self.consumer().reading() as session:
            return {row.state: row.n for row in session.execute(counts)}

    def wait_until_delivered(self, seconds: float | None = None) -> None:
        """Wait until every delivery is acknowledged."""
        wait_for(
            lambda: self.waiting() == 0,
            seconds or self.scale.drain_seconds,
            lambda: f"{self.waiting()} undelivered",
        )

    def delays(self, name: str) -> list[float]:
        """Return the seconds from each commit to its effect at a subscriber, shortest first."""
        committed = {line[0]: float(line[2]) for line in self._lines("journal")}
        applied = {line[0]: float(line[1]) for line in self._lines(f"{name}.applied")}
        return sorted(when - committed[subject] for subject, when in applied.items())

    def counts(self) -> Counts:
        """Compare what was committed with what was applied, at every subscriber."""
        committed = {line[0] for line in self._lines("journal")} | self.emitted().keys()
        effects = [self._effects(name) for name in self.subscribers]
        received = [self.received(name) for name in self.subscribers]
        assert all(applied.keys() <= committed for applied in effects), "effects of nothing"
        return Counts(
            committed=len(committed),
            applied=sum(applied.total() for applied in effects),
            lost=sum(len(committed - applied.keys()) for applied in effects),
            twice=sum(applied.total() - len(applied) for applied in effects),
            redelivered=sum(counter.total() - len(counter) for counter in received),
        )

    def emitted(self) -> Counter[str]:
        """Return how many outbox rows each note has."""
        with self.producer.reading() as session:
            subjects = session.execute(select(outbox.c.subject)).scalars().all()
        return Counter(s.removeprefix("note/") for s in subjects if s.startswith("note/"))

    def _effects(self, name: str) -> Counter[str]:
        with self.consumer(name).reading() as session:
            return Counter(session.execute(select(choir.effect.c.subject_id)).scalars())

    def _lines(self, name: str) -> list[list[str]]:
        path = self._folder / name
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def settle(
        self, tally: Tally, number: int, title: str, *, within: float | None = None, note: str = ""
    ) -> None:
        """Wait until all is delivered, record the counts, and assert that nothing is amiss.

        `within` bounds the seconds to wait; by default the scale does.
        """
        deadline = time.monotonic() + (within or self.scale.drain_seconds)
        while (waiting := self.waiting()) and time.monotonic() < deadline:
            time.sleep(0.05)
        drained = time.time() - float(self._lines("journal")[-1][2])
        counts = self.counts()
        tally.record(
            number=number,
            title=title,
            committed=counts.committed,
            applied=counts.applied,
            lost=counts.lost,
            twice=counts.twice,
            redelivered=counts.redelivered,
            drained_seconds=drained,
            note=note,
        )
        assert (waiting, counts.lost, counts.twice) == (0, 0, 0), (
            f"{waiting} undelivered, {counts}\n{self._last_words()}"
        )

    def _last_words(self) -> str:
        logs = sorted(self._folder.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in logs)

    def close(self) -> None:
        """End every process; raises nothing when they are gone already."""
        for process in self._processes:
            if process.poll() is None:
                kill(process)
        for database in self._databases.values():
            database.dispose()


def new_subjects(count: int) -> list[str]:
    """Return ids for notes that are not sung yet."""
    return [new_id() for _ in range(count)]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the sorted `values` do not exceed."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


def wait_for(
    condition: Callable[[], bool], seconds: float, what: Callable[[], str] = lambda: "timed out"
) -> None:
    """Wait until `condition` holds; fails with `what()` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)


def finish(process: Process, seconds: float) -> None:
    """Wait until a process ends by itself, and well."""
    assert process.wait(seconds) == 0


def _count(database: Database, table: Table, *conditions: ColumnElement[bool]) -> int:
    with database.reading() as session:
        rows = select(func.count()).select_from(table).where(*conditions)
        return int(session.execute(rows).scalar_one())
