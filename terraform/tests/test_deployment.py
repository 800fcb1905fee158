"""What an apply leaves behind, and what the next one would do."""

import json
from pathlib import Path

from harness.deployment import Deployment
from harness.terraform import changes


def test_a_second_plan_changes_nothing(deployment: Deployment) -> None:
    assert [
        (one["address"], one["change"]["actions"]) for one in changes(deployment.second_plan)
    ] == []
    assert deployment.second_code == 0


def test_all_that_was_planned_is_there(deployment: Deployment) -> None:
    planned = {one["address"] for one in changes(deployment.plan)}
    listed = deployment.terraform.run("state", "list").checked().stdout.split()
    assert planned == {address for address in listed if ".data." not in f".{address}"}


def test_nothing_was_asked_of_moto_that_it_has_not_got(deployment: Deployment) -> None:
    assert deployment.aws.missing == []


def test_a_new_tag_of_a_service_touches_nothing_else(
    deployment: Deployment, tmp_path: Path
) -> None:
    copy = deployment.copy(tmp_path / "copy")
    tags = json.dumps({**deployment.outputs["image_tags"], "catalog": "1.3.0"})
    plan = copy.plan("tfplan", "-refresh=false", *deployment.arguments, f"-var=image_tags={tags}")
    touched = {(one["address"], tuple(one["change"]["actions"])) for one in changes(plan)}
    replaced = ("create", "delete"), ("delete", "create")
    services = {"catalog-web", "catalog-worker"}
    definitions = {address for address, actions in touched if actions in replaced}
    assert definitions == {
        f'module.service["{name}"].aws_ecs_task_definition.task' for name in services
    }
    assert touched - {
        (address, actions) for address, actions in touched if address in definitions
    } == {
        (f'module.service["{name}"].aws_ecs_service.service[0]', ("update",)) for name in services
    }
