"""What a service's schema and the broker hold, as Prometheus metrics."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common.events.operations import Backlog
from common.events.queues import BrokerState
from common.jobs.operations import JobBacklog
from common.metrics.state import State


class StateCollector(Collector):
    """Gauges that are the same in each process of a service, whichever is scraped."""

    def __init__(self, state: State) -> None:
        self._state = state

    def describe(self) -> list[Metric]:
        """Ask nobody when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Give what is known; of what does not answer only that it does not."""
        stored, broker = self._state.stored(), self._state.broker()
        yield self._gauge("antiphon_database_up", "Whether the database answers.", stored)
        yield self._gauge("antiphon_broker_up", "Whether the broker answers.", broker)
        if stored is not None:
            yield from self._of_deliveries(stored.backlogs)
            yield from self._of_inbox(stored.inbox)
            if stored.jobs is not None:
                yield from self._of_jobs(stored.jobs)
        if broker is not None:
            yield from self._of_broker(broker)

    def _gauge(self, name: str, meaning: str, answer: object) -> Metric:
        return self._family(name, meaning, [((), float(answer is not None))])

    def _family(
        self, name: str, meaning: str, values: Iterable[tuple[Sequence[str], float]], *labels: str
    ) -> Metric:
        family = GaugeMetricFamily(name, meaning, labels=["service", *labels])
        for key, value in values:
            family.add_metric([self._state.service, *key], value)
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
