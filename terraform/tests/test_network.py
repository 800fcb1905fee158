"""Who can reach whom."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from harness.aws import every
from harness.deployment import SERVICES, Deployment
from harness.inventory import Process


class Inbound(NamedTuple):
    """One rule: who may connect to which group at which port."""

    group: str
    port: int | None
    source: str


@pytest.fixture(scope="module")
def ec2(deployment: Deployment) -> Any:
    return deployment.aws.client("ec2")


@pytest.fixture(scope="module")
def groups(ec2: Any) -> dict[str, Any]:
    """Security groups of our network by id."""
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    filters = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    found = every(ec2, "describe_security_groups", "SecurityGroups", Filters=filters)
    return {group["GroupId"]: group for group in found}


@pytest.fixture(scope="module")
def inbound(groups: dict[str, Any]) -> set[Inbound]:
    return {
        Inbound(group["GroupId"], port, source)
        for group in groups.values()
        for permission in group["IpPermissions"]
        for port in _ports(permission)
        for source in _sources(permission)
    }


def _ports(permission: dict[str, Any]) -> Iterator[int | None]:
    if permission["IpProtocol"] == "-1":
        yield None
    else:
        assert permission["IpProtocol"] == "tcp"
        yield from range(permission["FromPort"], permission["ToPort"] + 1)


def _sources(permission: dict[str, Any]) -> Iterator[str]:
    for pair in permission["UserIdGroupPairs"]:
        yield pair["GroupId"]
    for block in permission["IpRanges"]:
        yield block["CidrIp"]
    for block in permission["Ipv6Ranges"]:
        yield block["CidrIpv6"]
    assert not permission["PrefixListIds"]


def clients(running: dict[str, Process], *variables: str) -> set[str]:
    """Security groups of the processes that are given one of these URLs."""
    return {
        process.security_group
        for process in running.values()
        if any(name.endswith(variables) for name in {**process.secrets, **process.environment})
    }


@pytest.fixture(scope="module")
def balancer_group(deployment: Deployment) -> str:
    (balancer,) = deployment.aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    (group,) = balancer["SecurityGroups"]
    return str(group)


def test_only_the_load_balancer_is_open_to_the_world(
    inbound: set[Inbound], balancer_group: str
) -> None:
    world = {rule for rule in inbound if rule.source.endswith("/0")}
    assert world == {
        Inbound(balancer_group, 80, "0.0.0.0/0"),
        Inbound(balancer_group, 443, "0.0.0.0/0"),
    }


def test_only_the_load_balancer_reaches_webs_and_nobody_the_rest(
    running: dict[str, Process], inbound: set[Inbound], balancer_group: str
) -> None:
    for name, process in running.items():
        rules = {rule for rule in inbound if rule.group == process.security_group}
        web = Inbound(process.security_group, 8000, balancer_group)
        assert rules == ({web} if name.endswith("-web") else set()), name


def test_the_database_is_reached_by_the_processes_that_have_its_url(
    deployment: Deployment, running: dict[str, Process], inbound: set[Inbound]
) -> None:
    (cluster,) = deployment.aws.client("rds").describe_db_clusters()["DBClusters"]
    (group,) = [one["VpcSecurityGroupId"] for one in cluster["VpcSecurityGroups"]]
    allowed = clients(running, "DATABASE_URL")
    assert len(allowed) == len(running)
    assert {rule for rule in inbound if rule.group == group} == {
        Inbound(group, 3306, client) for client in allowed
    }


def test_redis_is_reached_by_the_processes_that_have_its_url(
    deployment: Deployment, running: dict[str, Process], inbound: set[Inbound]
) -> None:
    found = deployment.aws.client("elasticache").describe_cache_clusters()["CacheClusters"]
    redis = {group["SecurityGroupId"] for cluster in found for group in cluster["SecurityGroups"]}
    allowed = clients(running, "BROKER_URL", "CACHE_URL")
    assert allowed < clients(running, "DATABASE_URL")
    assert len(redis) == 2
    for group in redis:
        assert {rule for rule in inbound if rule.group == group} == {
            Inbound(group, 6379, client) for client in allowed
        }


def test_what_names_no_group_reaches_nothing(groups: dict[str, Any]) -> None:
    (default,) = [group for group in groups.values() if group["GroupName"] == "default"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])


def test_nobody_is_reached_from_outside_but_the_load_balancer(
    deployment: Deployment, ec2: Any, services: dict[str, Process]
) -> None:
    tables = {
        association["SubnetId"]: table
        for table in ec2.describe_route_tables()["RouteTables"]
        for association in table["Associations"]
        if "SubnetId" in association
    }
    ways = {
        subnet: {
            key
            for route in table["Routes"]
            for key in ("GatewayId", "NatGatewayId")
            if key in route
        }
        for subnet, table in tables.items()
    }
    internet = {
        subnet
        for subnet, table in tables.items()
        if any(str(route.get("GatewayId")).startswith("igw-") for route in table["Routes"])
    }
    for process in services.values():
        assert process.service is not None
        network = process.service["networkConfiguration"]["awsvpcConfiguration"]
        assert network["assignPublicIp"] == "DISABLED"
        assert not internet & set(network["subnets"])
        assert all("NatGatewayId" in ways[subnet] for subnet in network["subnets"])
    for group in deployment.aws.client("rds").describe_db_subnet_groups()["DBSubnetGroups"]:
        stores = {subnet["SubnetIdentifier"] for subnet in group["Subnets"]}
        assert all("NatGatewayId" not in ways[subnet] for subnet in stores)
        assert not internet & stores
    for instance in deployment.aws.client("rds").describe_db_instances()["DBInstances"]:
        assert instance["PubliclyAccessible"] is False


def test_every_connection_is_recorded(deployment: Deployment, ec2: Any) -> None:
    (log,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (log["TrafficType"], log["FlowLogStatus"]) == ("ALL", "ACTIVE")
    logs = every(deployment.aws.client("logs"), "describe_log_groups", "logGroups")
    (group,) = [one for one in logs if one["arn"].removesuffix(":*") == log["LogDestination"]]
    assert group["retentionInDays"] == 14


def test_every_log_group_forgets_and_is_encrypted(deployment: Deployment) -> None:
    groups = every(deployment.aws.client("logs"), "describe_log_groups", "logGroups")
    assert len(groups) >= 9 + len(SERVICES)
    for group in groups:
        assert group["retentionInDays"] == 14, group["logGroupName"]
        assert group["kmsKeyId"], group["logGroupName"]
