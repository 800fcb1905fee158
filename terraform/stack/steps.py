"""What a deploy asks of AWS and waits for."""

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from stack.stop import RolledBack, Stop

Services = Mapping[str, Mapping[str, str]]
"""Name and task definition of each service, by process."""

_ROLE_SECONDS = 60
_TASK_SECONDS = 1800
_ROLLOUT_SECONDS = 1800
_ANSWER_SECONDS = 300
_POLL_SECONDS = 5.0


def run_task(cluster: str, task: Mapping[str, Any], words: list[str] | None = None) -> None:
    """Run a one-off task to its end and show its log; raises Stop if it does not end with 0."""
    ecs = boto3.client("ecs")
    overrides = {"containerOverrides": [{"name": task["container"], "command": words}]}
    request = {
        "cluster": cluster,
        "taskDefinition": task["task_definition"],
        "launchType": "FARGATE",
        "overrides": overrides if words else {},
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": task["subnet_ids"],
                "securityGroups": [task["security_group_id"]],
                "assignPublicIp": "DISABLED",
            }
        },
    }
    arn = _start(ecs, request)
    ended = _await_end(ecs, cluster, arn)
    _print_log(task["log_group"], f"{task['log_prefix']}/{task['container']}/{arn.split('/')[-1]}")
    code = ended["containers"][0].get("exitCode")
    if code != 0:
        raise Stop(f"It ended with {code}: {ended.get('stoppedReason') or 'no reason given'}.")


def _start(ecs: Any, request: Mapping[str, Any]) -> str:
    """Return the ARN of the task that was started."""
    deadline = time.monotonic() + _ROLE_SECONDS
    while True:
        try:
            started = ecs.run_task(**request)
            break
        except ClientError as error:
            # A role that was made a moment ago is not known everywhere yet.
            if "assume the role" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
    if started["failures"]:
        raise Stop(f"It was not started: {started['failures'][0].get('reason')}")
    return str(started["tasks"][0]["taskArn"])


def _await_end(ecs: Any, cluster: str, arn: str) -> dict[str, Any]:
    deadline = time.monotonic() + _TASK_SECONDS
    while time.monotonic() < deadline:
        task: dict[str, Any] = ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]
        if task["lastStatus"] == "STOPPED":
            return task
        time.sleep(_POLL_SECONDS)
    raise Stop(f"It did not end within {_TASK_SECONDS} s and may still run: {arn}")


def _print_log(group: str, stream: str) -> None:
    logs = boto3.client("logs")
    try:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)
    except logs.exceptions.ResourceNotFoundException:
        print(f"    (no log: {group} {stream})", flush=True)
        return
    for event in events["events"]:
        print(f"    {event['message']}", flush=True)


def failed(cluster: str, services: Services) -> Services:
    """Return those whose last deployment failed and had nothing to go back to."""
    ecs = boto3.client("ecs")
    return {
        process: wanted
        for process, wanted in services.items()
        for service in ecs.describe_services(cluster=cluster, services=[wanted["name"]])["services"]
        for deployment in service["deployments"]
        if (deployment["status"], deployment.get("rolloutState")) == ("PRIMARY", "FAILED")
    }


def restart_failed(cluster: str, services: Services) -> None:
    """Have ECS try again what failed and had nothing to go back to: by itself it does not."""
    ecs = boto3.client("ecs")
    for wanted in failed(cluster, services).values():
        ecs.update_service(cluster=cluster, service=wanted["name"], forceNewDeployment=True)


def await_rollout(cluster: str, services: Services) -> None:
    """Wait until each service runs its new tasks only; raises Stop if ECS rolled one back."""
    ecs = boto3.client("ecs")
    deadline = time.monotonic() + _ROLLOUT_SECONDS
    for process, wanted in sorted(services.items()):
        while not _has_rolled_out(_describe(ecs, cluster, wanted["name"]), wanted):
            if time.monotonic() > deadline:
                said = _last_event(_describe(ecs, cluster, wanted["name"]))
                raise Stop(f"{process} is not steady after {_ROLLOUT_SECONDS} s: {said}")
            time.sleep(_POLL_SECONDS)
        print(f"    {process}", flush=True)


def _describe(ecs: Any, cluster: str, name: str) -> dict[str, Any]:
    service: dict[str, Any]
    (service,) = ecs.describe_services(cluster=cluster, services=[name])["services"]
    return service


def _primary(service: Mapping[str, Any]) -> dict[str, Any]:
    deployments: list[dict[str, Any]] = service["deployments"]
    return next(one for one in deployments if one["status"] == "PRIMARY")


def _is_wanted(deployment: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return bool(deployment["taskDefinition"] == wanted["task_definition"])


def _has_rolled_out(service: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    primary = _primary(service)
    # Once it has rolled back, the primary deployment is the former one, and complete.
    if not _is_wanted(primary, wanted):
        raise RolledBack(f"{wanted['name']} was rolled back: {_last_event(service)}")
    if primary["rolloutState"] == "FAILED":
        raise Stop(f"{wanted['name']} does not become healthy: {_last_event(service)}")
    return bool(primary["rolloutState"] == "COMPLETED")


def _last_event(service: Mapping[str, Any]) -> str:
    events = service["events"]
    return str(events[0]["message"]) if events else "ECS does not say why"


def await_answer(url: str) -> None:
    """Wait until the public address answers through load balancer and auth; raises Stop."""
    deadline, wrong = time.monotonic() + _ANSWER_SECONDS, ""
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/.well-known/jwks.json", timeout=10):
                return
        except (urllib.error.URLError, TimeoutError) as error:
            wrong = str(error)
            time.sleep(_POLL_SECONDS)
    raise Stop(f"{url} does not answer: {wrong}. Does its name lead to the load balancer?")
