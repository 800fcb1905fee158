"""What a worker does besides moving events: each thing, whether or not another fails."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from common.db import Database
from common.events import Outbox, Subscriptions, inbox, outbox, worker
from common.events.tables import metadata
from common.events.worker import Worker
from common.jobs.celery import JobSender
from common.metrics import Observer, observe_with, observer
from common.testing.schemas import MakeSchema


class Rounds(Observer):
    """Counts how often loops got round."""

    def __init__(self) -> None:
        self.count = 0

    def looped(self, loop: str) -> None:
        self.count += loop == "chores"


@pytest.fixture
def rounds() -> Iterator[Rounds]:
    before, rounds = observer(), Rounds()
    observe_with(rounds)
    yield rounds
    observe_with(before)


@pytest.fixture
def database(make_schema: MakeSchema) -> Iterator[Database]:
    database = Database(make_schema(tables=metadata), info={"outbox": Outbox("/choir", {})})
    yield database
    database.dispose()


@pytest.fixture
def run(
    database: Database, broker_url: str, cache_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Return a function that does a worker's chores until one of them says that it is enough."""
    monkeypatch.setattr(worker, "_POLL_SECONDS", 0.01)

    def do(*chores: Callable[[], object], pruners: Any = (), until: threading.Event) -> None:
        subscriptions = Subscriptions()
        working = Worker("choir", database, subscriptions, broker_url, cache_url)
        working.chores, working.pruners, working.stop = chores, pruners, until
        working.do_chores()

    return do


class Noted:
    """A chore that notes when it was done, and after some times says that it is enough."""

    def __init__(self, times: int = 1) -> None:
        self.times, self.done_at, self.enough = times, list[float](), threading.Event()

    def __call__(self, *_: object) -> int:
        self.done_at.append(time.monotonic())
        if len(self.done_at) >= self.times:
            self.enough.set()
        return 0


def fail(*_: object) -> int:
    raise RuntimeError("no luck")


def test_a_chore_that_fails_keeps_no_other_from_being_done(
    run: Callable[..., None], rounds: Rounds, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = Noted(times=4)
    run(fail, noted, until=noted.enough)
    assert len(noted.done_at) == 4
    assert rounds.count == 0
    assert "chore_failed" in (log := capsys.readouterr().out)
    assert "chore=fail" in log
    assert "no luck" in log


def test_failed_events_that_cannot_be_retried_hold_up_no_chore(
    run: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def retry_due(*_: object) -> int:
        raise RuntimeError("no luck")

    monkeypatch.setattr(inbox, "retry_due", retry_due)
    noted = Noted()
    run(noted, until=noted.enough)
    assert "chore=retry_due" in capsys.readouterr().out


def test_a_pruner_that_fails_keeps_no_other_from_being_done(
    run: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker, "_PRUNE_SECONDS", 0)

    def prune_outbox(_session: Session) -> int:
        raise RuntimeError("no luck")

    monkeypatch.setattr(outbox, "prune_outbox", prune_outbox)
    of_inbox, of_service = Noted(), Noted()
    monkeypatch.setattr(inbox, "prune_inbox", of_inbox)
    run(fail, pruners=[fail, of_service], until=of_service.enough)
    assert of_inbox.done_at
    log = capsys.readouterr().out
    assert "chore=prune_outbox" in log
    assert "chore=fail" in log


def test_only_a_round_in_which_all_went_well_counts(
    run: Callable[..., None], rounds: Rounds
) -> None:
    """While one fails, its worker is no sound one: see WorkerLoopStalled."""
    noted, failures = Noted(times=5), iter((True, True, False, False, False))

    def fail_at_first() -> None:
        if next(failures):
            raise RuntimeError("no luck")

    run(fail_at_first, noted, until=noted.enough)
    assert rounds.count == 3


def test_a_worker_that_is_told_to_stop_begins_no_other_chore(run: Callable[..., None]) -> None:
    first, second = Noted(), Noted()
    run(first, second, until=first.enough)
    assert second.done_at == []


def test_a_chore_is_named_by_what_it_runs(
    run: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    class Refuser:
        def __call__(self) -> None:
            raise RuntimeError("no luck")

    noted = Noted()
    run(partial(fail, 1), Refuser(), noted, until=noted.enough)
    log = capsys.readouterr().out
    assert "chore=fail" in log
    assert "chore=Refuser" in log


def test_an_absent_broker_holds_nobody_up() -> None:
    started = time.monotonic()
    with pytest.raises(OperationalError):
        JobSender("choir", "unix:///nowhere/broker.sock?db=0").has_room()
    assert time.monotonic() - started < 4
