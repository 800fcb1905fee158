"""What a service's schema and the broker hold, read when Prometheus asks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import inspect

from common.db import Database
from common.events.operations import Backlog, backlogs_of, inbox_counts
from common.events.outbox import Outbox
from common.events.queues import BrokerState, read_broker
from common.jobs.operations import JobBacklog, job_backlog
from common.metrics.reading import Reading


@dataclass(frozen=True)
class Stored:
    """What the schema says; `jobs` is None where there is no table of them."""

    backlogs: Sequence[Backlog]
    inbox: dict[str, int]
    jobs: JobBacklog | None


class StateCollector(Collector):
    """Gauges that are the same in each process of a service, whichever is scraped."""

    def __init__(self, service: str, database: Database, broker_url: str) -> None:
        self._service = service
        self._database = database
        self._broker_url = broker_url
        self._has_jobs = False
        self._stored = Reading("database", self._read_database)
        self._broker = Reading("broker", self._read_broker)

    def describe(self) -> list[Metric]:
        """Ask nobody when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give what is known; of what does not answer only that it does not."""
        stored, broker = self._stored.value(), self._broker.value()
        yield self._gauge("antiphon_database_up", "Whether the database answers.", stored)
        yield self._gauge("antiphon_broker_up", "Whether the broker answers.", broker)
        if stored is not None:
            yield from self._of_deliveries(stored.backlogs)
            yield from self._of_inbox(stored.inbox)
            if stored.jobs is not None:
                yield from self._of_jobs(stored.jobs)
        if broker is not None:
            yield from self._of_broker(broker)

    def everything_answers(self) -> bool:
        """Say whether database and broker answer, as far as known since a few seconds."""
        return self._stored.value() is not None and self._broker.value() is not None

    def _read_database(self) -> Stored:
        with self._database.reading() as session:
            if not self._has_jobs:
                self._has_jobs = inspect(self._database.engine).has_table("job")
            carried: Outbox | None = session.info.get("outbox")
            backlogs = backlogs_of(session, self._service, carried.routes if carried else {})
            jobs = job_backlog(session) if self._has_jobs else None
            return Stored(backlogs, inbox_counts(session), jobs)

    def _read_broker(self) -> BrokerState:
        queues = [f"{self._service}.events", f"{self._service}.acks"]
        if self._has_jobs:
            queues.append(f"{self._service}.jobs")
        return read_broker(self._broker_url, [self._service], queues)

    def _gauge(self, name: str, meaning: str, answer: object) -> Metric:
        return self._family(name, meaning, [((), float(answer is not None))])

    def _family(
        self, name: str, meaning: str, values: Iterable[tuple[Sequence[str], float]], *labels: str
    ) -> Metric:
        family = GaugeMetricFamily(name, meaning, labels=["service", *labels])
        for key, value in values:
            family.add_metric([self._service, *key], value)
        return family

    def _of_deliveries(self, backlogs: Sequence[Backlog]) -> Iterator[Metric]:
        for name, meaning, field in (
            ("undelivered_events", "Events without acknowledgement.", "undelivered"),
            ("oldest_undelivered_age_seconds", "Since the oldest was emitted.", "oldest_age"),
            ("relay_lag_seconds", "How long events wait to be published.", "relay_lag"),
        ):
            values = [([one.subscriber], float(getattr(one, field))) for one in backlogs]
            yield self._family(f"antiphon_bus_{name}", meaning, values, "subscriber")

    def _of_inbox(self, counts: dict[str, int]) -> Iterator[Metric]:
        values = [([state], float(count)) for state, count in counts.items()]
        meaning = "Events that failed: tried again, or given up."
        yield self._family("antiphon_bus_inbox_events", meaning, values, "state")

    def _of_jobs(self, jobs: JobBacklog) -> Iterator[Metric]:
        counts = [(key, float(count)) for key, count in jobs.counts.items()]
        yield self._family("antiphon_jobs", "Jobs that are not over.", counts, "kind", "state")
        oldest = [((), jobs.oldest_queued_age)]
        meaning = "Since the oldest queued job was queued."
        yield self._family("antiphon_jobs_oldest_queued_age_seconds", meaning, oldest)

    def _of_broker(self, broker: BrokerState) -> Iterator[Metric]:
        waiting = [([queue], float(count)) for queue, count in broker.waiting.items()]
        meaning = "Messages that wait in a queue."
        yield self._family("antiphon_bus_queue_messages", meaning, waiting, "queue")
        held = [((), float(count)) for count in broker.unacked.values()]
        meaning = "Messages that consumers hold (Redis only)."
        yield self._family("antiphon_bus_unacked_messages", meaning, held)
