"""What a deploy asks of AWS and waits for."""

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import boto3

from stack.stop import Stop

_TASK_SECONDS = 1800
_ROLLOUT_SECONDS = 1800
_ANSWER_SECONDS = 300
_POLL_SECONDS = 5.0


def require_secret(name: str) -> None:
    """Raise Stop unless an operator has given the secret a value."""
    if not boto3.client("secretsmanager").describe_secret(SecretId=name).get("VersionIdsToStages"):
        raise Stop(
            f"The secret {name} has no value yet. Give it the one from Cloudinary's console:\n"
            f"  aws secretsmanager put-secret-value --secret-id {name} --secret-string "
            "cloudinary://KEY:SECRET@CLOUD"
        )


def run_task(cluster: str, task: Mapping[str, Any], words: list[str] | None = None) -> None:
    """Run a one-off task to its end and show its log; raises Stop if it does not end with 0."""
    ecs = boto3.client("ecs")
    overrides = {"containerOverrides": [{"name": task["container"], "command": words}]}
    started = ecs.run_task(
        cluster=cluster,
        taskDefinition=task["task_definition"],
        launchType="FARGATE",
        overrides=overrides if words else {},
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": task["subnet_ids"],
                "securityGroups": [task["security_group_id"]],
                "assignPublicIp": "DISABLED",
            }
        },
    )
    if started["failures"]:
        raise Stop(f"It was not started: {started['failures'][0].get('reason')}")
    arn = started["tasks"][0]["taskArn"]
    ended = _await_end(ecs, cluster, arn)
    _print_log(task["log_group"], f"{task['log_prefix']}/{task['container']}/{arn.split('/')[-1]}")
    code = ended["containers"][0].get("exitCode")
    if code != 0:
        raise Stop(f"It ended with {code}: {ended.get('stoppedReason') or 'no reason given'}.")


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


def await_rollout(cluster: str, services: Mapping[str, Mapping[str, str]]) -> None:
    """Wait until each service runs its new tasks only; raises Stop if ECS rolled one back.

    `services` gives name and task definition of each.
    """
    ecs = boto3.client("ecs")
    deadline = time.monotonic() + _ROLLOUT_SECONDS
    for process, wanted in sorted(services.items()):
        while not _has_rolled_out(ecs, cluster, wanted):
            if time.monotonic() > deadline:
                raise Stop(f"{wanted['name']} is not steady after {_ROLLOUT_SECONDS} s.")
            time.sleep(_POLL_SECONDS)
        print(f"    {process}", flush=True)


def _has_rolled_out(ecs: Any, cluster: str, wanted: Mapping[str, str]) -> bool:
    service = ecs.describe_services(cluster=cluster, services=[wanted["name"]])["services"][0]
    primary = next(one for one in service["deployments"] if one["status"] == "PRIMARY")
    # Once it has rolled back, the primary deployment is the former one, and complete.
    if (
        primary["taskDefinition"] != wanted["task_definition"]
        or primary["rolloutState"] == "FAILED"
    ):
        said = service["events"][0]["message"] if service["events"] else "ECS does not say why"
        raise Stop(f"{wanted['name']} was rolled back: {said}")
    return bool(primary["rolloutState"] == "COMPLETED")


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
