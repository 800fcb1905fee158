"""What runs: nine services, and one-off tasks."""

import pytest
import yaml

from harness.aws import every
from harness.deployment import SERVICES, TAG, Deployment
from harness.inventory import Process
from harness.terraform import PROJECT

WEBS = {f"{service}-web" for service in SERVICES}
WORKERS = {f"{service}-worker" for service in SERVICES}
TASKS = {"bootstrap", "cli", "admin", *(f"{service}-migrate" for service in SERVICES)}
# docs/operations.md, "Stopping and restarting": seconds until a process has ended by itself.
GRACEFUL_SECONDS, WORKER_SECONDS, JOB_GRACE_SECONDS, JOB_SECONDS = 20, 15, 10, 5
# The image's own.
WEB_BIND = "0.0.0.0:8000"
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]


def test_nine_services_and_the_tasks_are_there(running: dict[str, Process]) -> None:
    names = {name for name, process in running.items() if process.service}
    assert names == WEBS | WORKERS | {"media-jobs"}
    assert len(names) == 9
    assert set(running) - names == TASKS


def test_each_runs_what_it_runs_in_containers_elsewhere(running: dict[str, Process]) -> None:
    commands = {name: process.container.get("command") for name, process in running.items()}
    for name in {*WEBS, *WORKERS, *(f"{service}-migrate" for service in SERVICES)}:
        assert commands[name] == COMPOSE[name].get("command"), name
    assert commands["media-jobs"] == ["python", "-m", "media.jobs"]
    assert commands["bootstrap"] == ["python", "-m", "common.db.bootstrap", *sorted(SERVICES)]


def test_each_has_the_settings_it_needs(running: dict[str, Process]) -> None:
    needed = {"BROKER_URL", "CACHE_URL", "JWKS_URL", "TOKEN_ISSUER"}
    for name in WEBS | WORKERS | {"media-jobs"}:
        service = name.partition("-")[0].upper()
        own = {
            "AUTH": {"AUTH_KEY_PASSPHRASE"},
            "MEDIA": {"MEDIA_URL_SECRET", "CLOUDINARY_URL", "STORAGE"},
        }
        given = {**running[name].environment, **running[name].secrets}
        missing = (needed | {f"{service}_DATABASE_URL"} | own.get(service, set())) - set(given)
        assert missing == set(), name
    for service in SERVICES:
        assert set(running[f"{service}-migrate"].secrets) == {
            f"{service.upper()}_MIGRATION_DATABASE_URL"
        }


def test_issuer_and_keys_are_where_the_load_balancer_is(
    deployment: Deployment, services: dict[str, Process]
) -> None:
    url = deployment.outputs["url"]
    for process in services.values():
        assert process.environment["TOKEN_ISSUER"] == url
        assert process.environment["JWKS_URL"] == f"{url}/.well-known/jwks.json"


def test_images_are_ours_and_of_the_tag(
    deployment: Deployment, running: dict[str, Process]
) -> None:
    urls = deployment.outputs["repository_urls"]
    for name, process in running.items():
        image = {"media-jobs": "media-jobs", "cli": "cli"}.get(name, name.partition("-")[0])
        expected = urls["auth" if name in {"bootstrap", "admin"} else image]
        assert process.container["image"] == f"{expected}:{TAG}"
    for repository in every(deployment.aws.client("ecr"), "describe_repositories", "repositories"):
        assert repository["imageTagMutability"] == "IMMUTABLE"
        assert repository["imageScanningConfiguration"]["scanOnPush"] is True


def test_no_process_can_change_its_image_or_become_root(running: dict[str, Process]) -> None:
    for name, process in running.items():
        container = process.container
        assert container["readonlyRootFilesystem"] is True, name
        assert container["user"] == "10001", name
        assert container["privileged"] is False, name
        assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"], name
        assert not container["linuxParameters"]["capabilities"].get("add"), name
        assert [mount["containerPath"] for mount in container["mountPoints"]] == ["/tmp"], name
        assert all("host" not in volume for volume in process.definition["volumes"]), name
        assert process.definition["networkMode"] == "awsvpc"
        assert process.definition["requiresCompatibilities"] == ["FARGATE"]


def limit(process: Process) -> int:
    """Seconds that a process takes to stop at most, with the settings it has."""
    setting = process.environment.get
    if process.name in WEBS:
        drain = int(setting("WEB_DRAIN_SECONDS", "5"))
        return drain + int(setting("WEB_GRACEFUL_SECONDS", str(GRACEFUL_SECONDS))) + 1
    if process.name in WORKERS:
        return WORKER_SECONDS
    return int(setting("MEDIA_JOB_GRACE_SECONDS", str(JOB_GRACE_SECONDS))) + JOB_SECONDS


def test_each_is_given_the_time_it_needs_to_stop(services: dict[str, Process]) -> None:
    for name, process in services.items():
        # Fargate allows 120.
        assert limit(process) < process.container["stopTimeout"] <= 120, name


def test_a_web_drains_until_the_load_balancer_has_noticed(
    deployment: Deployment, services: dict[str, Process]
) -> None:
    balancer = deployment.aws.client("elbv2")
    for group in balancer.describe_target_groups()["TargetGroups"]:
        service = group["TargetGroupName"].rsplit("-", 1)[1]
        noticed = group["HealthCheckIntervalSeconds"] + group["HealthCheckTimeoutSeconds"]
        process = services[f"{service}-web"]
        assert int(process.environment["WEB_DRAIN_SECONDS"]) >= noticed
        attributes = balancer.describe_target_group_attributes(
            TargetGroupArn=group["TargetGroupArn"]
        )["Attributes"]
        delay = {one["Key"]: one["Value"] for one in attributes}
        seconds = int(delay["deregistration_delay.timeout_seconds"])
        assert seconds >= int(process.environment["WEB_DRAIN_SECONDS"])


def test_the_load_balancer_closes_idle_connections_first(
    deployment: Deployment, services: dict[str, Process]
) -> None:
    elb = deployment.aws.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    found = elb.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
    attributes = {one["Key"]: one["Value"] for one in found["Attributes"]}
    for name in WEBS:
        kept = int(services[name].environment["WEB_KEEPALIVE_SECONDS"])
        assert int(attributes["idle_timeout.timeout_seconds"]) < kept, name


def test_health_is_asked_where_it_is_answered(services: dict[str, Process]) -> None:
    for name, process in services.items():
        environment, check = process.environment, process.container["healthCheck"]
        bind = (
            environment.get("WEB_BIND", WEB_BIND) if name in WEBS else environment["METRICS_BIND"]
        )
        port = bind.rsplit(":", 1)[1]
        assert environment["HEALTH_URL"] == f"http://127.0.0.1:{port}/healthz"
        assert "HEALTH_URL" in check["command"][-1]
        assert check["command"][0] == "CMD"
        ports = [mapping["containerPort"] for mapping in process.container["portMappings"]]
        assert ports == ([int(port)] if name in WEBS else [])


def test_webs_are_behind_the_load_balancer(
    deployment: Deployment, services: dict[str, Process]
) -> None:
    groups = {
        group["TargetGroupArn"]: group["TargetGroupName"].rsplit("-", 1)[1]
        for group in deployment.aws.client("elbv2").describe_target_groups()["TargetGroups"]
    }
    for name, process in services.items():
        assert process.service is not None
        behind = [
            (groups[one["targetGroupArn"]], one["containerPort"])
            for one in process.service["loadBalancers"]
        ]
        assert behind == ([(name.removesuffix("-web"), 8000)] if name in WEBS else []), name


def test_the_image_listens_where_it_is_asked() -> None:
    assert f"WEB_BIND={WEB_BIND}" in (PROJECT / "Dockerfile").read_text()


def test_logs_do_not_block_and_go_to_the_processes_own_group(running: dict[str, Process]) -> None:
    groups = set()
    for process in running.values():
        log = process.container["logConfiguration"]
        assert (log["logDriver"], log["options"]["mode"]) == ("awslogs", "non-blocking")
        groups.add(log["options"]["awslogs-group"])
    assert len(groups) == len(running)


@pytest.mark.parametrize("role", ["broker", "cache"])
def test_redis_forgets_only_where_it_may(deployment: Deployment, role: str) -> None:
    redis = deployment.aws.client("elasticache")
    name = f"antiphon-dev-{role}"
    (member,) = redis.describe_cache_clusters(CacheClusterId=f"{name}-001")["CacheClusters"]
    group = member["CacheParameterGroup"]["CacheParameterGroupName"]
    parameters = redis.describe_cache_parameters(CacheParameterGroupName=group)["Parameters"]
    values = {one["ParameterName"]: one["ParameterValue"] for one in parameters}
    expected = {"broker": "noeviction", "cache": "allkeys-lru"}
    assert values["maxmemory-policy"] == expected[role]
