import json
from typing import Any

import pytest
from jsonschema import ValidationError

from common.events.operations import Backlog
from common.events.queues import BrokerState
from common.jobs.operations import JobBacklog
from common.metrics import cloudwatch
from common.metrics.cloudwatch import UNITS, documents, publish_once
from common.metrics.state import State, Stored
from common.testing.emf import check_document, read_metrics

CHOIR = ("Service", "choir")
BACKLOGS = [Backlog("east", 3, 70.5, 1.0), Backlog("west", 4, 12.0, 0.0)]
JOBS = JobBacklog(
    {("sing", "queued"): 5, ("hum", "queued"): 2, ("sing", "running"): 9, ("sing", "dead"): 1}, 33.0
)
STORED = Stored(BACKLOGS, {"retry": 6, "dead": 2}, JOBS)
BROKER = BrokerState({"choir.events": 10, "choir.acks": 4, "choir.jobs": 100}, {"choir": 1})


class Known(State):
    """What is known without asking anybody."""

    def __init__(self, stored: Stored | None, broker: BrokerState | None) -> None:
        self.service = "choir"
        self._answers = stored, broker

    def stored(self) -> Stored | None:
        return self._answers[0]

    def broker(self) -> BrokerState | None:
        return self._answers[1]


@pytest.fixture
def publish(capsys: pytest.CaptureFixture[str]) -> Any:
    """Publish a state once; return what reaches CloudWatch."""

    def once(stored: Stored | None, broker: BrokerState | None) -> Any:
        publish_once("antiphon-test", Known(stored, broker))
        return read_metrics(capsys.readouterr().out, "antiphon-test")

    return once


def test_a_service_tells_its_state_with_units(publish: Any) -> None:
    assert publish(STORED, BROKER) == {
        CHOIR: {
            "OldestUndeliveredAge": (70.5, "Seconds"),
            "UndeliveredEvents": (7, "Count"),
            "DeadEvents": (2, "Count"),
            "RetryingEvents": (6, "Count"),
            "QueueLength": (14, "Count"),
            "OpenJobs": (16, "Count"),
            "DeadJobs": (1, "Count"),
            "OldestJobAge": (33.0, "Seconds"),
        },
        ("Subscriber", "east"): {"OldestUndeliveredAge": (70.5, "Seconds")},
        ("Subscriber", "west"): {"OldestUndeliveredAge": (12.0, "Seconds")},
    }


def test_all_metrics_can_be_published(publish: Any) -> None:
    assert publish(STORED, BROKER)[CHOIR].keys() == UNITS.keys()


def test_a_service_without_jobs_or_subscribers_tells_of_none(publish: Any) -> None:
    found = publish(Stored([], {"retry": 0, "dead": 0}, None), BROKER)
    assert found.keys() == {CHOIR}
    assert found[CHOIR]["OldestUndeliveredAge"] == (0.0, "Seconds")
    assert not {"OpenJobs", "DeadJobs", "OldestJobAge"} & found[CHOIR].keys()


def test_no_jobs_are_zero_jobs(publish: Any) -> None:
    found = publish(Stored([], {"retry": 0, "dead": 0}, JobBacklog({}, 0.0)), BROKER)[CHOIR]
    assert (found["OpenJobs"][0], found["DeadJobs"][0], found["OldestJobAge"][0]) == (0, 0, 0)


def test_while_the_database_is_away_only_queues_are_known(publish: Any) -> None:
    assert publish(None, BROKER) == {CHOIR: {"QueueLength": (14, "Count")}}


def test_while_the_broker_is_away_only_queues_are_unknown(publish: Any) -> None:
    assert publish(STORED, None)[CHOIR].keys() == UNITS.keys() - {"QueueLength"}


def test_who_knows_nothing_publishes_nothing(publish: Any) -> None:
    assert publish(None, None) == {}


def test_a_line_is_a_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    publish_once("antiphon-test", Known(STORED, BROKER))
    text = capsys.readouterr().out
    assert text.endswith("}\n")
    assert len([json.loads(line) for line in text.splitlines()]) == 3


def test_the_check_refuses_what_cloudwatch_would_not_take() -> None:
    document = next(documents("antiphon-test", "choir", STORED, BROKER))
    check_document(document)
    directive = document["_aws"]["CloudWatchMetrics"][0]
    for broken in (
        {**document, "_aws": {"CloudWatchMetrics": [directive]}},
        {**document, "_aws": {**document["_aws"], "Timestamp": "now"}},
        {**document, "_aws": {**document["_aws"], "CloudWatchMetrics": [{"Namespace": "x"}]}},
    ):
        with pytest.raises(ValidationError):
            check_document(broken)
    with pytest.raises(AssertionError):
        check_document({**document, "DeadEvents": "two"})
    with pytest.raises(KeyError, match="Service"):
        check_document({key: value for key, value in document.items() if key != "Service"})


@pytest.mark.parametrize(("now", "pause"), [(0.0, 30), (29.5, 0.5), (30.0, 60), (90.1, 59.9)])
def test_it_publishes_in_the_middle_of_each_minute(now: float, pause: float) -> None:
    assert cloudwatch._until_next(now) == pytest.approx(pause)
