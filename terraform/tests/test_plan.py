"""What moto takes without keeping or checking it: asserted in the plan."""

from typing import Any

import pytest

from harness.deployment import SERVICES, Deployment
from harness.terraform import planned


@pytest.fixture(scope="module")
def services(deployment: Deployment) -> dict[str, dict[str, Any]]:
    found = planned(deployment.plan, "aws_ecs_service")
    return {service["name"].removeprefix("antiphon-dev-"): service for service in found.values()}


def test_a_bad_deployment_is_rolled_back_by_itself(services: dict[str, dict[str, Any]]) -> None:
    assert len(services) == 9
    for name, service in services.items():
        (breaker,) = service["deployment_circuit_breaker"]
        assert (breaker["enable"], breaker["rollback"]) == (True, True), name
        # New ones first: there is no moment with fewer.
        assert service["deployment_minimum_healthy_percent"] == 100, name
        assert service["deployment_maximum_percent"] == 200, name


@pytest.mark.parametrize("service", SERVICES)
def test_errors_during_a_deployment_of_a_web_roll_it_back(
    deployment: Deployment, services: dict[str, dict[str, Any]], service: str
) -> None:
    (alarms,) = services[f"{service}-web"]["alarms"]
    assert (alarms["enable"], alarms["rollback"]) == (True, True)
    known = {
        alarm["alarm_name"]: str(alarm)
        for alarm in planned(deployment.plan, "aws_cloudwatch_metric_alarm").values()
    }
    assert len(alarms["alarm_names"]) > 0
    for name in alarms["alarm_names"]:
        assert service in name
        assert name in known
        assert "HTTPCode_Target_5XX_Count" in known[name]


def test_nobody_gets_a_shell_unasked(services: dict[str, dict[str, Any]]) -> None:
    assert [name for name, one in services.items() if one["enable_execute_command"]] == []


def test_the_database_is_encrypted_at_rest_and_on_the_way(deployment: Deployment) -> None:
    (cluster,) = planned(deployment.plan, "aws_rds_cluster").values()
    assert cluster["storage_encrypted"] is True
    assert cluster["manage_master_user_password"] is True
    assert cluster.get("master_password") is None
    (group,) = planned(deployment.plan, "aws_rds_cluster_parameter_group").values()
    parameters = {one["name"]: one["value"] for one in group["parameter"]}
    assert parameters["require_secure_transport"] == "ON"
    assert parameters["character_set_server"] == "utf8mb4"
    for instance in planned(deployment.plan, "aws_rds_cluster_instance").values():
        assert instance["publicly_accessible"] is False
        assert instance["performance_insights_enabled"] is True


def test_redis_is_encrypted_at_rest_and_on_the_way(deployment: Deployment) -> None:
    groups = planned(deployment.plan, "aws_elasticache_replication_group")
    assert len(groups) == 2
    for group in groups.values():
        # The provider keeps this one as text.
        assert str(group["at_rest_encryption_enabled"]).lower() == "true"
        assert group["transit_encryption_enabled"] is True
        assert group["transit_encryption_mode"] == "required"
        assert group["num_cache_clusters"] == 1


def test_the_load_balancer_lets_no_two_names_pass_for_one(deployment: Deployment) -> None:
    (balancer,) = planned(deployment.plan, "aws_lb").values()
    assert balancer["drop_invalid_header_fields"] is True
    assert balancer["access_logs"][0]["enabled"] is True
    # An upload is silent while media takes it to Cloudinary.
    assert balancer["idle_timeout"] == 600


def test_everything_says_whose_it_is(deployment: Deployment) -> None:
    for change in deployment.plan["resource_changes"]:
        tags = (change["change"]["after"] or {}).get("tags_all")
        if tags is not None and change["change"]["actions"] == ["create"]:
            assert (tags["Application"], tags["Environment"]) == ("antiphon", "dev")
