"""How many tasks run, and by what."""

from collections import defaultdict
from typing import Any

import hcl2
import pytest

from harness.aws import every
from harness.deployment import SERVICES, Deployment
from harness.inventory import Process
from harness.terraform import TERRAFORM

Policies = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def scaling(deployment: Deployment) -> Any:
    return deployment.aws.client("application-autoscaling")


@pytest.fixture(scope="module")
def policies(scaling: Any) -> Policies:
    """Policies by process."""
    found = defaultdict(list)
    for policy in every(
        scaling, "describe_scaling_policies", "ScalingPolicies", ServiceNamespace="ecs"
    ):
        found[_process(policy["ResourceId"])].append(policy)
    return dict(found)


def _process(resource: str) -> str:
    return resource.rsplit("/", 1)[1].removeprefix("antiphon-dev-")


def tracked(policies: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Target tracking by the metric that AWS knows itself."""
    found = {}
    for policy in policies:
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration", {})
        if "PredefinedMetricSpecification" in tracking:
            metric = tracking["PredefinedMetricSpecification"]
            found[metric["PredefinedMetricType"]] = metric
    return found


def test_each_service_scales_within_what_the_environment_says(
    scaling: Any, services: dict[str, Process]
) -> None:
    sizes = hcl2.loads((TERRAFORM / "environments/dev.tfvars").read_text())
    targets = {
        _process(target["ResourceId"]): (target["MinCapacity"], target["MaxCapacity"])
        for target in every(
            scaling, "describe_scalable_targets", "ScalableTargets", ServiceNamespace="ecs"
        )
    }
    expected = {name: _size(sizes, name.rpartition("-")[2]) for name in services}
    assert targets == expected


def _size(sizes: dict[str, Any], kind: str) -> tuple[int, int]:
    size = sizes[kind]
    size = size[0] if isinstance(size, list) else size
    return int(size["minimum"]), int(size["maximum"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_web_scales_by_cpu_and_by_its_own_requests(
    deployment: Deployment, policies: Policies, service: str
) -> None:
    by = tracked(policies[f"{service}-web"])
    assert set(by) == {"ECSServiceAverageCPUUtilization", "ALBRequestCountPerTarget"}
    balancer = deployment.aws.client("elbv2")
    (found,) = balancer.describe_load_balancers()["LoadBalancers"]
    (group,) = balancer.describe_target_groups(Names=[f"antiphon-dev-{service}"])["TargetGroups"]
    label = "/".join(
        (
            found["LoadBalancerArn"].split(":loadbalancer/")[1],
            group["TargetGroupArn"].rsplit(":", 1)[1],
        )
    )
    assert by["ALBRequestCountPerTarget"]["ResourceLabel"] == label


@pytest.mark.parametrize("service", SERVICES)
def test_a_worker_scales_by_the_age_of_what_it_has_not_delivered(
    deployment: Deployment, policies: Policies, service: str
) -> None:
    own = policies[f"{service}-worker"]
    steps = {
        policy["PolicyARN"]: policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
        for policy in own
        if policy["PolicyType"] == "StepScaling"
    }
    alarms = every(deployment.aws.client("cloudwatch"), "describe_alarms", "MetricAlarms")
    directions = set()
    for arn, adjustments in steps.items():
        (alarm,) = [alarm for alarm in alarms if arn in alarm["AlarmActions"]]
        assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == (
            "antiphon-dev",
            "OldestUndeliveredAge",
            "Maximum",
        )
        assert alarm["Dimensions"] == [{"Name": "Subscriber", "Value": service}]
        out = all(step["ScalingAdjustment"] > 0 for step in adjustments)
        assert out or all(step["ScalingAdjustment"] < 0 for step in adjustments)
        assert alarm["ComparisonOperator"].startswith("Greater" if out else "Less")
        directions.add((out, alarm["Period"] * alarm["EvaluationPeriods"]))
    # Out within a minute, in slowly.
    assert {out for out, _ in directions} == {True, False}
    assert max(seconds for out, seconds in directions if out) <= 60
    assert min(seconds for out, seconds in directions if not out) >= 600


def test_jobs_scale_by_the_backlog_of_each(policies: Policies) -> None:
    (policy,) = policies["media-jobs"]
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    metrics = {one["Id"]: one for one in tracking["CustomizedMetricSpecification"]["Metrics"]}
    (result,) = [one for one in metrics.values() if one["ReturnData"]]
    # Without the floor nothing would ever start when none runs.
    assert result["Expression"].replace(" ", "") == "backlog/IF(running<1,1,running)"
    names = {key: metrics[key]["MetricStat"]["Metric"] for key in ("backlog", "running")}
    assert names["backlog"]["Namespace"] == "antiphon-dev"
    assert names["backlog"]["Dimensions"] == [{"Name": "Service", "Value": "media"}]
    assert names["running"]["MetricName"] == "RunningTaskCount"
    assert {one["Value"] for one in names["running"]["Dimensions"]} == {
        "antiphon-dev",
        "antiphon-dev-media-jobs",
    }
