"""Metrics, alerts and what operations.md says of both agree."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry, Metric

import common.web.metrics as web
from common.events.bus import QUEUE_LIMIT
from common.jobs import enqueue
from common.metrics.collector import StateCollector
from common.metrics.prometheus import PrometheusObserver
from common.metrics.state import State
from common.testing.plugin import MakeDatabase

FROM_PROMETHEUS = {"up"}
_HISTOGRAM = ["_bucket", "_count", "_sum"]
_ROW = re.compile(r"^\| `((?:antiphon|http)_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)


@pytest.fixture
def exported(make_database: MakeDatabase, broker_url: str) -> dict[str, tuple[str, set[str]]]:
    """Return type and labels of each metric that a service with jobs exports."""
    database = make_database("media")
    with database.transaction() as session:
        enqueue(session, kind="work", key="1", payload={})
    registry = CollectorRegistry()
    state = StateCollector(State("media", database, broker_url))
    # The queue of jobs is asked for once it is known that there are jobs.
    list(state.collect())
    registry.register(state)
    observer = PrometheusObserver(registry, "media", ["relay"])
    observer.published("x", 1, 1)
    observer.held_back("x", 1)
    observer.acknowledged("x", 1)
    observer.applied("x", 1)
    observer.duplicate("x")
    observer.failed("x", dead=True)
    observer.job_sent("x", expired=True)
    observer.job_ended("x", "done", 1)
    observer.job_dead("x")
    web._SECONDS.labels("GET", "/x", "200").observe(1)
    http = [metric for metric in REGISTRY.collect() if metric.name.startswith("http_")]
    return {
        _full_name(metric): (metric.type, _labels(metric))
        for metric in [*registry.collect(), *http]
    }


def _full_name(metric: Metric) -> str:
    return f"{metric.name}_total" if metric.type == "counter" else metric.name


def _labels(metric: Metric) -> set[str]:
    return {label for sample in metric.samples for label in sample.labels} - {"le"}


@pytest.fixture
def operations(project_root: Path) -> str:
    return (project_root / "docs" / "operations.md").read_text()


@pytest.fixture
def prometheus(project_root: Path) -> Path:
    return project_root / "docs" / "prometheus"


@pytest.fixture
def alerts(prometheus: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load((prometheus / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_metric_is_explained_and_no_other(
    operations: str, exported: dict[str, tuple[str, set[str]]]
) -> None:
    explained = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in _ROW.findall(operations)
    }
    assert explained == exported


def test_names_follow_prometheus_conventions(exported: dict[str, tuple[str, set[str]]]) -> None:
    for name, (kind, labels) in exported.items():
        assert (kind == "counter") == name.endswith("_total"), name
        assert kind != "histogram" or name.endswith("_seconds"), name
        assert name.startswith("http_") or "service" in labels, name


def test_alerts_ask_only_for_what_is_exported(
    alerts: list[dict[str, Any]], exported: dict[str, tuple[str, set[str]]]
) -> None:
    series = {
        name + suffix: labels | ({"le"} if suffix == "_bucket" else set())
        for name, (kind, labels) in exported.items()
        for suffix in (_HISTOGRAM if kind == "histogram" else [""])
    }
    for alert in alerts:
        asked = list(_selectors(alert["expr"]))
        assert asked, alert["alert"]
        for name, labels in asked:
            if name not in FROM_PROMETHEUS:
                assert name in series, f"{alert['alert']}: {name}"
                assert labels <= series[name], f"{alert['alert']}: {name}"


def _selectors(expression: str) -> Iterator[tuple[str, set[str]]]:
    without_texts = re.sub(r'"[^"]*"', '""', expression)
    for name, matchers in re.findall(
        r"\b(up|antiphon_\w+|http_\w+)(?:\{([^}]*)\})?", without_texts
    ):
        yield name, set(re.findall(r"(\w+)\s*[!=]", matchers))


def test_every_alert_says_who_is_woken_and_what_to_do(
    alerts: list[dict[str, Any]], operations: str
) -> None:
    headings = set(re.findall(r"^### (\w+)$", operations, re.MULTILINE))
    for alert in alerts:
        name = alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket"), name
        assert alert["annotations"]["summary"], name
        anchor = f"docs/operations.md#{name.lower()}"
        assert alert["annotations"]["runbook_url"] == anchor, name
        assert name in headings, f"docs/operations.md has no section {name}"


def test_every_alert_is_tested(prometheus: Path, alerts: list[dict[str, Any]]) -> None:
    tests = yaml.safe_load((prometheus / "alerts.test.yml").read_text())["tests"]
    fired = {
        case["alertname"]
        for test in tests
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {alert["alert"] for alert in alerts}


def test_the_alert_of_full_queues_knows_the_limit(alerts: list[dict[str, Any]]) -> None:
    (full,) = [alert for alert in alerts if alert["alert"] == "BusQueueFull"]
    assert full["expr"].endswith(f">= {QUEUE_LIMIT}")


@pytest.fixture
def promtool() -> str:
    program = shutil.which("promtool")
    if program is None:
        message = "ALERTS ARE NOT TESTED: promtool (Debian: apt install prometheus) is not on PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return program


@pytest.mark.parametrize(
    "arguments",
    [["check", "rules", "alerts.yml"], ["check", "config", "prometheus.yml"],
     ["test", "rules", "alerts.test.yml"]],
)  # fmt: skip
def test_promtool_agrees(promtool: str, prometheus: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [promtool, *arguments], cwd=prometheus, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
