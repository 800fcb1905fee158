"""Alarms and scaling ask for metrics that our code publishes, by the dimensions it gives them."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest

from harness.aws import every
from harness.deployment import SERVICES, Deployment
from harness.inventory import Process
from harness.terraform import PROJECT

NAMESPACE = "antiphon-dev"
SOURCE = PROJECT / "libs/common/common/metrics/cloudwatch.py"


def published() -> set[str]:
    """Names of metrics in the code; tests/architecture holds them against what is published."""
    for node in ast.parse(SOURCE.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "UNITS":
            return set(ast.literal_eval(node.value))
    raise AssertionError(f"{SOURCE.name} names no UNITS")


def of_alarms(alarms: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for alarm in alarms:
        if "MetricName" in alarm:
            yield alarm
        for query in alarm.get("Metrics", []):
            if "MetricStat" in query:
                yield query["MetricStat"]["Metric"]


def of_policies(policies: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for policy in policies:
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration", {})
        for query in tracking.get("CustomizedMetricSpecification", {}).get("Metrics", []):
            if "MetricStat" in query:
                yield query["MetricStat"]["Metric"]


@pytest.fixture(scope="module")
def asked(deployment: Deployment) -> list[dict[str, Any]]:
    cloudwatch = deployment.aws.client("cloudwatch")
    scaling = deployment.aws.client("application-autoscaling")
    policies = every(
        scaling, "describe_scaling_policies", "ScalingPolicies", ServiceNamespace="ecs"
    )
    metrics = [
        *of_alarms(every(cloudwatch, "describe_alarms", "MetricAlarms")),
        *of_policies(policies),
    ]
    return [metric for metric in metrics if not metric["Namespace"].startswith(("AWS/", "ECS/"))]


def test_what_is_asked_for_is_published(asked: list[dict[str, Any]]) -> None:
    assert len(asked) > 3 * len(SERVICES)
    for metric in asked:
        assert metric["Namespace"] == NAMESPACE
        assert metric["MetricName"] in published()
        (dimension,) = metric["Dimensions"]
        assert dimension["Value"] in SERVICES
        # One figure alone is known of each subscriber.
        by_subscriber = metric["MetricName"] == "OldestUndeliveredAge"
        assert dimension["Name"] in ({"Service", "Subscriber"} if by_subscriber else {"Service"})


def test_each_service_has_who_publishes_its_metrics(services: dict[str, Process]) -> None:
    for service in SERVICES:
        worker = services[f"{service}-worker"]
        assert worker.environment["CLOUDWATCH_NAMESPACE"] == NAMESPACE
