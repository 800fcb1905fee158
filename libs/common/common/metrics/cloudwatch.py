"""The state as CloudWatch metrics: lines on stdout in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from common.events.operations import Backlog
from common.events.queues import BrokerState
from common.jobs.operations import JobBacklog
from common.logging import get_logger
from common.metrics.state import State, Stored

log = get_logger(__name__)

PERIOD_SECONDS = 60
"""CloudWatch keeps figures of a minute."""

UNITS = {
    "OldestUndeliveredAge": "Seconds",
    "UndeliveredEvents": "Count",
    "DeadEvents": "Count",
    "RetryingEvents": "Count",
    "QueueLength": "Count",
    "OpenJobs": "Count",
    "DeadJobs": "Count",
    "OldestJobAge": "Seconds",
}


def publish(namespace: str, state: State) -> None:
    """Write the metrics to stdout in a thread, now and once in each minute."""
    threading.Thread(
        target=_publish_forever, args=(namespace, state), name="cloudwatch", daemon=True
    ).start()


def _publish_forever(namespace: str, state: State) -> None:
    while True:
        try:
            publish_once(namespace, state)
        except Exception as error:  # a worker does not end because nobody can count what it does
            log.warning("cloudwatch_metrics_failed", error=repr(error))
        time.sleep(_until_next(time.time()))


def _until_next(now: float) -> float:
    # In the middle of a minute, so that each one gets a figure however late a thread wakes up.
    return PERIOD_SECONDS - (now - PERIOD_SECONDS / 2) % PERIOD_SECONDS


def publish_once(namespace: str, state: State) -> None:
    """Write what is known to stdout, and to the log what is not."""
    stored, broker = state.stored(), state.broker()
    silent = [name for name, answer in (("database", stored), ("broker", broker)) if answer is None]
    if silent:
        log.warning("cloudwatch_metrics_incomplete", without=silent)
    for document in documents(namespace, state.service, stored, broker):
        # A line is written whole: CloudWatch takes one only with nothing before or behind it.
        sys.stdout.write(orjson.dumps(document).decode() + "\n")
    sys.stdout.flush()


def documents(
    namespace: str, service: str, stored: Stored | None, broker: BrokerState | None
) -> Iterator[dict[str, Any]]:
    """Give one of the service and, if the database answers, one of each of its subscribers.

    The latter have the dimension `Subscriber`: of all producers together they tell how far behind
    that service is, which is what its number of workers depends on.
    """
    values = _of_schema(stored) if stored else {}
    if broker:
        values["QueueLength"] = sum(
            broker.waiting[f"{service}.{queue}"] for queue in ("events", "acks")
        )
    if values:
        yield _document(namespace, {"Service": service}, values)
    for backlog in stored.backlogs if stored else ():
        subscriber = {"Subscriber": backlog.subscriber}
        age = {"OldestUndeliveredAge": backlog.oldest_age}
        yield {"Producer": service, **_document(namespace, subscriber, age)}


def _of_schema(stored: Stored) -> dict[str, float]:
    return {
        **_of_deliveries(stored.backlogs),
        "DeadEvents": stored.inbox["dead"],
        "RetryingEvents": stored.inbox["retry"],
        **(_of_jobs(stored.jobs) if stored.jobs else {}),
    }


def _of_deliveries(backlogs: Sequence[Backlog]) -> dict[str, float]:
    return {
        "OldestUndeliveredAge": max((one.oldest_age for one in backlogs), default=0.0),
        "UndeliveredEvents": sum(one.undelivered for one in backlogs),
    }


def _of_jobs(jobs: JobBacklog) -> dict[str, float]:
    def count(*states: str) -> int:
        return sum(number for (_, state), number in jobs.counts.items() if state in states)

    return {
        # What runs is counted: workers that are busy must not look superfluous.
        "OpenJobs": count("queued", "running"),
        "DeadJobs": count("dead"),
        "OldestJobAge": jobs.oldest_queued_age,
    }


def _document(
    namespace: str, dimensions: dict[str, str], values: dict[str, float]
) -> dict[str, Any]:
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in values],
    }
    metadata = {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}
    return {"_aws": metadata, **dimensions, **values}
