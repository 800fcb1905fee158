"""What takes longer: the first install, prod, and the end of everything."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.aws import FakeAws, every
from harness.deployment import Deployment, workspace
from harness.processes import Processes
from harness.terraform import Plan, changes, planned
from harness.tools import Tools

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def prod(
    tools: Tools, processes: Processes, tmp_path_factory: pytest.TempPathFactory, count: Any
) -> Plan:
    """The first plan of prod."""
    aws = FakeAws(processes)
    terraform, arguments = workspace(tools, processes, tmp_path_factory.mktemp("prod"), "prod", aws)
    plan = terraform.plan("tfplan", *arguments)
    aws.stop()
    count(f"prod: {len(changes(plan))} resources planned")
    return plan


def test_before_the_first_image_there_is_all_but_what_runs(
    tools: Tools, processes: Processes, tmp_path: Path
) -> None:
    aws = FakeAws(processes)
    terraform, arguments = workspace(tools, processes, tmp_path, "dev", aws)
    nothing = [f"-var={name}={json.dumps({})}" for name in ("image_tags", "migration_tags")]
    plan = terraform.plan("tfplan", *arguments, *nothing)
    aws.stop()
    assert planned(plan, "aws_ecs_service") == planned(plan, "aws_ecs_task_definition") == {}
    for kind in ("aws_ecr_repository", "aws_rds_cluster", "aws_lb", "aws_ecs_cluster"):
        assert planned(plan, kind), kind


def test_prod_has_two_of_everything_that_answers(prod: Plan) -> None:
    services = planned(prod, "aws_ecs_service")
    assert len(services) == 9
    for address, service in services.items():
        (strategy,) = service["capacity_provider_strategy"]
        web = "-web" in address
        # What is interrupted at two minutes' notice is nothing that people wait for.
        assert strategy["capacity_provider"] == ("FARGATE" if web else "FARGATE_SPOT"), address
        assert service["desired_count"] >= (2 if web else 1), address
    assert len(planned(prod, "aws_rds_cluster_instance")) == 2
    for group in planned(prod, "aws_elasticache_replication_group").values():
        assert group["num_cache_clusters"] >= 2
        assert group["automatic_failover_enabled"] is True
        assert group["multi_az_enabled"] is True


def test_prod_survives_a_zone(prod: Plan) -> None:
    zones = {subnet["availability_zone"] for subnet in planned(prod, "aws_subnet").values()}
    assert len(zones) == 3
    assert len(planned(prod, "aws_nat_gateway")) == 3


def test_prod_cannot_be_deleted_by_mistake(prod: Plan) -> None:
    (cluster,) = planned(prod, "aws_rds_cluster").values()
    (balancer,) = planned(prod, "aws_lb").values()
    assert cluster["deletion_protection"] is True
    assert cluster["skip_final_snapshot"] is False
    assert cluster["delete_automated_backups"] is False
    assert cluster["backup_retention_period"] >= 7
    assert balancer["enable_deletion_protection"] is True
    for secret in planned(prod, "aws_secretsmanager_secret").values():
        assert secret["recovery_window_in_days"] >= 7
    for repository in planned(prod, "aws_ecr_repository").values():
        assert repository["force_delete"] is False
    for bucket in planned(prod, "aws_s3_bucket").values():
        assert bucket["force_destroy"] is False


def test_prod_has_a_firewall_that_blocks(prod: Plan) -> None:
    (firewall,) = planned(prod, "aws_wafv2_web_acl").values()
    assert len(planned(prod, "aws_wafv2_web_acl_association")) == 1
    assert len(firewall["rule"]) >= 4
    for rule in firewall["rule"]:
        override = rule["override_action"]
        assert not override or not override[0]["count"], rule["name"]


def test_prod_keeps_its_logs_for_a_year(prod: Plan) -> None:
    for address, group in planned(prod, "aws_cloudwatch_log_group").items():
        assert group["retention_in_days"] == 365, address


def test_everything_can_be_destroyed(deployment: Deployment, count: Any) -> None:
    terraform = deployment.terraform
    there = len(changes(deployment.plan))
    output = terraform.run(
        "destroy", "-auto-approve", "-input=false", "-no-color", *deployment.arguments
    ).checked()
    assert f"Destroy complete! Resources: {there} destroyed." in output.stdout
    count(f"dev: {there} resources destroyed")
    assert terraform.run("state", "list").checked().stdout == ""
    aws = deployment.aws
    assert every(aws.client("elbv2"), "describe_load_balancers", "LoadBalancers") == []
    assert every(aws.client("secretsmanager"), "list_secrets", "SecretList") == []
    assert aws.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert aws.client("rds").describe_db_clusters()["DBClusters"] == []
    roles = every(aws.client("iam"), "list_roles", "Roles")
    assert [role["RoleName"] for role in roles if "antiphon" in role["RoleName"]] == []
