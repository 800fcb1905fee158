"""A service's worker process: relay, acknowledgements, consumer and chores, a thread each."""

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import orjson
from pydantic import ValidationError
from sqlalchemy.orm import Session

from common.db import Database
from common.events import inbox, outbox
from common.events.bus import Bus, KombuBus
from common.events.envelope import Acknowledgement
from common.events.nudge import Nudge
from common.events.relay import Relay
from common.events.subscriptions import Subscriptions
from common.logging import configure_logging, get_logger
from common.metrics import observer, start_metrics
from common.settings import ServiceSettings
from common.tracing import configure_tracing

if TYPE_CHECKING:
    from collections.abc import Iterator

log = get_logger(__name__)

_POLL_SECONDS = 1.0
_GATHER_SECONDS = 0.02
"""What is written meanwhile shares a round of the relay: under load that halves its work."""
_ACK_SECONDS = 0.1
_ACK_BATCH = 50
_PRUNE_SECONDS = 60
_PRUNE_BATCHES = 100

Chore = Callable[[], object]
Pruner = Callable[[Session], int]
"""Deletes a small batch of old rows; returns how many, none when there are no more."""


class ChoresFailed(Exception):
    """These chores failed; the others were done. The loop has not got round: they come again."""


@dataclass
class Worker:
    """What the threads of one service's worker share; `run` returns after SIGTERM or SIGINT."""

    service: str
    database: Database
    subscriptions: Subscriptions
    broker_url: str
    cache_url: str
    resend_lease: timedelta = timedelta(seconds=60)
    chores: Sequence[Chore] = ()
    """What else to do about once a second, such as sending queued jobs."""
    pruners: Sequence[Pruner] = ()
    """What else to delete when old rows are deleted, about once a minute."""
    stop: threading.Event = field(default_factory=threading.Event)
    nudged: threading.Event = field(default_factory=threading.Event)
    """Set when somebody has written something: chores need not wait for their second."""

    def run(self) -> None:
        """Run until told to stop, then let each thread finish the step it is in."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        threads = [
            threading.Thread(target=target, name=target.__name__)
            for target in (self.relay, self.apply_acks, self.consume, self.do_chores)
        ]
        for thread in threads:
            thread.start()
        log.info("worker_started", service=self.service)
        for thread in threads:
            thread.join()
        self.database.dispose()
        log.info("worker_stopped", service=self.service)

    def _stop(self) -> None:
        self.stop.set()
        self.nudged.set()

    def relay(self) -> None:
        """Publish due deliveries at once on a nudge, and by polling when the nudge got lost."""
        relay = Relay(self.database, self.resend_lease)
        with closing(Nudge(self.cache_url, self.service)) as nudge:

            def step(bus: Bus) -> None:
                if relay.publish_due(bus):
                    return
                self.stop.wait(_GATHER_SECONDS)
                if nudge.wait(_POLL_SECONDS):
                    self.nudged.set()

            self._loop("relay", step)

    def apply_acks(self) -> None:
        """Delete deliveries that subscribers have acknowledged."""

        def apply(body: bytes) -> None:
            try:
                told = Acknowledgement.model_validate_json(body)
            except ValidationError as error:
                wrong = error.errors(include_url=False, include_input=False)
                log.error("message_is_no_acknowledgement", error=str(wrong), size=len(body))
                return
            with self.database.transaction() as session:
                outbox.acknowledge(session, told.subscriber, told.event_ids)
            observer().acknowledged(told.subscriber, len(told.event_ids))

        self._loop("acks", lambda bus: bus.receive(f"{self.service}.acks", apply, _POLL_SECONDS))

    def consume(self) -> None:
        """Apply incoming events and tell their producers once the effects are committed."""

        def step(bus: Bus) -> None:
            applied: dict[str, list[str]] = defaultdict(list)

            def handle(body: bytes) -> None:
                envelope = inbox.receive(self.database, self.subscriptions, body)
                if envelope is not None:
                    applied[envelope.producer].append(envelope.id)

            try:
                bus.receive(f"{self.service}.events", handle, _ACK_SECONDS)
            finally:
                self._acknowledge(bus, applied)

        self._loop("consumer", step)

    def do_chores(self) -> None:
        """Retry failed events, run the service's chores, and prune old rows now and then."""
        next_pruning = time.monotonic() + _PRUNE_SECONDS

        def step(_bus: Bus) -> None:
            nonlocal next_pruning
            retry: Chore = partial(inbox.retry_due, self.database, self.subscriptions)
            due = [(_name(chore), chore) for chore in (retry, *self.chores)]
            if time.monotonic() >= next_pruning:
                next_pruning = time.monotonic() + _PRUNE_SECONDS
                pruners = (outbox.prune_outbox, inbox.prune_inbox, *self.pruners)
                due += [(_name(prune), partial(self._prune, prune)) for prune in pruners]
            self._do_each(due)
            self.nudged.wait(_POLL_SECONDS)
            self.nudged.clear()

        self._loop("chores", step)

    def _do_each(self, chores: Iterable[tuple[str, Chore]]) -> None:
        """Do chores, each whether or not another fails; raises ChoresFailed after the last."""
        failed = []
        for name, chore in chores:
            if self.stop.is_set():
                return
            try:
                chore()
            except Exception as error:
                log.warning("chore_failed", chore=name, error=repr(error))
                failed.append(name)
        if failed:
            raise ChoresFailed(", ".join(failed))

    def _prune(self, prune: Pruner) -> None:
        for _ in range(_PRUNE_BATCHES):
            with self.database.transaction() as session:
                if not prune(session) or self.stop.is_set():
                    return

    def _acknowledge(self, bus: Bus, applied: dict[str, list[str]]) -> None:
        for producer, ids in applied.items():
            for start in range(0, len(ids), _ACK_BATCH):
                batch = ids[start : start + _ACK_BATCH]
                message = {"subscriber": self.service, "event_ids": batch}
                bus.publish(f"{producer}.acks", [orjson.dumps(message)])

    def _loop(self, name: str, step: Callable[[Bus], object]) -> None:
        """Repeat `step` until told to stop; after a failure start again with a fresh connection."""
        pause = 0.2
        while not self.stop.is_set():
            try:
                with self._bus() as bus:
                    while not self.stop.is_set():
                        step(bus)
                        observer().looped(name)
                        pause = 0.2
            except Exception as error:
                # Broker or database is away: whatever was claimed or unacknowledged comes again.
                log.warning("worker_step_failed", loop=name, retry_seconds=pause, error=repr(error))
                self.stop.wait(pause)
                pause = min(pause * 2, 5.0)

    @contextmanager
    def _bus(self) -> "Iterator[Bus]":
        bus = KombuBus(self.broker_url, self.service)
        try:
            yield bus
        finally:
            bus.close()


def _name(chore: Callable[..., object]) -> str:
    """Return what the log calls a chore: a function, one with arguments, or a callable object."""
    called = chore.func if isinstance(chore, partial) else chore
    return str(getattr(called, "__name__", type(called).__name__))


def run_worker(
    service: str,
    settings: ServiceSettings,
    database: Database,
    subscriptions: Subscriptions,
    *,
    chores: Sequence[Chore] = (),
    pruners: Sequence[Pruner] = (),
) -> None:
    """Be the worker process of a service until SIGTERM."""
    configure_logging(service, settings.log_level, settings.log_format)
    configure_tracing(service)
    start_metrics(settings, service, database)
    Worker(
        service,
        database,
        subscriptions,
        settings.broker_url,
        settings.cache_url,
        timedelta(seconds=settings.resend_lease_seconds),
        chores,
        pruners,
    ).run()
