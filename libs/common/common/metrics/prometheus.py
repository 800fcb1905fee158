"""What happens in this process, as Prometheus metrics."""

import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from common.metrics.observer import Observer

# From what a nudge takes to what outages take.
_DELIVERY_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200)
_JOB_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class PrometheusObserver(Observer):
    """Counts what bus and jobs tell; every metric has the label `service`."""

    def __init__(self, registry: CollectorRegistry, service: str, loops: Sequence[str]) -> None:
        self._service = service
        self._registry = registry
        self._make_bus_metrics()
        self._make_job_metrics()
        self._loop = Gauge(
            "antiphon_worker_loop_timestamp_seconds",
            "When a loop of this process last got round, or the process began (Unix time).",
            ["service", "loop"],
            registry=registry,
        )
        self.rounds = dict.fromkeys(loops, time.monotonic())
        """When each loop last got round, by the monotonic clock."""
        for loop in loops:
            self.looped(loop)

    def _make_bus_metrics(self) -> None:
        by_subscriber, by_type = ["service", "subscriber"], ["service", "type"]
        self._published = self._counter(
            "bus_published_events", "Events put on a queue for the first time.", by_subscriber
        )
        self._resent = self._counter(
            "bus_resent_events", "Events put on a queue again, unacknowledged.", by_subscriber
        )
        self._held_back = self._counter(
            "bus_held_back_events", "Tries to publish: broker away or queue full.", by_subscriber
        )
        self._acknowledged = self._counter(
            "bus_acknowledged_events", "Acknowledgements, repeated ones too.", by_subscriber
        )
        self._applied = Histogram(
            "antiphon_bus_delivery_seconds",
            "From the event emitted to its effects committed.",
            by_type,
            buckets=_DELIVERY_BUCKETS,
            registry=self._registry,
        )
        self._duplicate = self._counter(
            "bus_duplicate_events", "Events that came again and changed nothing.", by_type
        )
        self._failed = self._counter("bus_handler_failures", "Handlers that raised.", by_type)
        self._dead = self._counter("bus_dead_letters", "Events given up.", by_type)

    def _make_job_metrics(self) -> None:
        by_kind = ["service", "kind"]
        self._job_sent = self._counter("jobs_sent", "Jobs put on the queue.", by_kind)
        self._lease_expired = self._counter(
            "jobs_expired_leases", "Jobs sent again: their worker fell silent.", by_kind
        )
        self._job_ended = Histogram(
            "antiphon_job_attempt_seconds",
            "How long attempts took, by how they ended.",
            [*by_kind, "outcome"],
            buckets=_JOB_BUCKETS,
            registry=self._registry,
        )
        self._job_dead = self._counter("jobs_given_up", "Jobs that died.", by_kind)

    def _counter(self, name: str, meaning: str, labels: list[str]) -> Counter:
        return Counter(f"antiphon_{name}", meaning, labels, registry=self._registry)

    def looped(self, loop: str) -> None:
        """See `Observer`."""
        self.rounds[loop] = time.monotonic()
        self._loop.labels(self._service, loop).set_to_current_time()

    def published(self, subscriber: str, first: int, again: int) -> None:
        """See `Observer`."""
        self._published.labels(self._service, subscriber).inc(first)
        self._resent.labels(self._service, subscriber).inc(again)

    def held_back(self, subscriber: str, count: int) -> None:
        """See `Observer`."""
        self._held_back.labels(self._service, subscriber).inc(count)

    def acknowledged(self, subscriber: str, count: int) -> None:
        """See `Observer`."""
        self._acknowledged.labels(self._service, subscriber).inc(count)

    def applied(self, event_type: str, seconds: float) -> None:
        """See `Observer`."""
        self._applied.labels(self._service, event_type).observe(max(0.0, seconds))

    def duplicate(self, event_type: str) -> None:
        """See `Observer`."""
        self._duplicate.labels(self._service, event_type).inc()

    def failed(self, event_type: str, *, dead: bool) -> None:
        """See `Observer`."""
        self._failed.labels(self._service, event_type).inc()
        # By nothing, too: a rate needs the series to be there before it rises.
        self._dead.labels(self._service, event_type).inc(int(dead))

    def job_sent(self, kind: str, *, expired: bool) -> None:
        """See `Observer`."""
        self._job_sent.labels(self._service, kind).inc()
        self._lease_expired.labels(self._service, kind).inc(int(expired))

    def job_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """See `Observer`."""
        self._job_ended.labels(self._service, kind, outcome).observe(seconds)

    def job_dead(self, kind: str) -> None:
        """See `Observer`."""
        self._job_dead.labels(self._service, kind).inc()
