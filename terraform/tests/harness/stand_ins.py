"""Terraform, ECS, ECR and the others, as far as `make deploy` and its like ask them."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from harness.deployment import SERVICES

OLD = dict.fromkeys([*SERVICES, "cli"], "1.0")
# Writes down what it was asked for; an apply's variables are outputs from then on. What is in the
# file `meanwhile` is what somebody else applies while this plans.
TERRAFORM = """#!{python}
import json, pathlib, sys
here = pathlib.Path({folder!r})
state = here / "outputs.json"
command, options = sys.argv[2], sys.argv[3:]
with (here / "asked").open("a") as file:
    print(command, *options, file=file)
if command == "output":
    outputs = json.loads(state.read_text())
    print(json.dumps({{name: {{"value": value}} for name, value in outputs.items()}}))
if command == "plan" and (here / "meanwhile").exists():
    (here / "meanwhile").rename(state)
if command == "plan":
    given = [word.removeprefix("-var=").split("=", 1) for word in options if "-var=" in word]
    plan = {{name: json.loads(value) for name, value in given}}
    files = [word.removeprefix("-out=") for word in options if "-out=" in word]
    for file in files:
        pathlib.Path(file).write_text(json.dumps([plan, state.read_text()]))
    sys.exit(2 if files and not (here / "same").exists() else 0)
if command == "apply":
    plan, planned_for = json.loads(pathlib.Path(options[-1]).read_text())
    if planned_for != state.read_text():
        sys.exit("Error: Saved plan is stale")
    state.write_text(json.dumps(json.loads(planned_for) | plan))
    with (here / "applied").open("a") as file:
        print(json.dumps(plan), file=file)
sys.exit((here / "fails").exists() and command == "apply")
"""


class NotFound(Exception):
    """What boto3 raises."""


class Aws:
    """ECS, ECR and the others, as far as a deploy asks them."""

    exceptions = SimpleNamespace(
        ImageNotFoundException=NotFound, ResourceNotFoundException=NotFound
    )

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.exit_codes: dict[str, int] = {}
        self.pushed = {"1.0", "1.1"}
        self.secret: str | None = "cloudinary://key:secret@cloud"
        self.rolled_back: set[str] = set()
        self.failed: set[str] = set()
        self.never_healthy: set[str] = set()
        self.unknown_roles = 0

    def describe_images(self, repositoryName: str, imageIds: Any) -> None:  # noqa: N803
        if imageIds[0]["imageTag"] not in self.pushed:
            raise NotFound

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803
        if self.secret is None:
            raise NotFound
        return {"SecretString": self.secret}

    def run_task(self, **request: Any) -> dict[str, Any]:
        if self.unknown_roles:
            self.unknown_roles -= 1
            said = {"Message": "ECS was unable to assume the role", "Code": "ClientException"}
            raise ClientError({"Error": said}, "RunTask")
        task = request["taskDefinition"]
        overrides = request["overrides"].get("containerOverrides", [])
        words = [word for container in overrides for word in container["command"]]
        self.asked.append(" ".join(["run", task, *words]))
        return {"failures": [], "tasks": [{"taskArn": f"arn/{task}"}]}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        code = self.exit_codes.get(tasks[0].removeprefix("arn/"), 0)
        return {"tasks": [{"lastStatus": "STOPPED", "containers": [{"exitCode": code}]}]}

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        return {"events": [{"message": "what the task wrote"}]}

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        (name,) = services
        definition = f"{name}:{1 if name in self.rolled_back else 2}"
        state = "FAILED" if name in self.failed else "COMPLETED"
        primary = {"status": "PRIMARY", "rolloutState": state, "taskDefinition": definition}
        return {"services": [{"deployments": [primary], "events": [{"message": "unhealthy"}]}]}

    def update_service(self, cluster: str, service: str, forceNewDeployment: bool) -> None:  # noqa: N803
        assert forceNewDeployment
        self.asked.append(f"restart {service}")
        self.failed -= {service} - self.never_healthy


def install_terraform(folder: Path) -> Path:
    """Write the program that stands in for Terraform, and keeps all it knows in `folder`."""
    program = folder / "terraform"
    program.write_text(TERRAFORM.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    return program


def applied(folder: Path, *names: str) -> list[Any]:
    """Return what each apply was given for some variables."""
    file = folder / "applied"
    applies = map(json.loads, file.read_text().splitlines() if file.exists() else [])
    return [
        tuple(given[name] for name in names or ("image_tags", "migration_tags"))
        for given in applies
    ]


def outputs_of(url: str) -> dict[str, Any]:
    """Return the outputs of a stack that runs `OLD`."""
    tasks = ["bootstrap", "cli", *(f"{service}-migrate" for service in SERVICES)]
    return {
        "region": "eu-central-1",
        "url": url,
        "cluster": "antiphon-dev",
        "image_tags": OLD,
        "secrets_version": 4,
        "running_secrets_version": 4,
        "migration_tags": dict.fromkeys(SERVICES, "1.0"),
        "cloudinary_secret": "antiphon-dev/media/cloudinary-url",
        "repository_urls": {
            image: f"registry/antiphon-dev/{image}" for image in [*SERVICES, "media-jobs", "cli"]
        },
        "services": {
            "catalog-web": {"name": "catalog-web", "task_definition": "catalog-web:2"},
            "media-jobs": {"name": "media-jobs", "task_definition": "media-jobs:2"},
        },
        "tasks": {
            name: {
                "task_definition": name,
                "container": "app",
                "subnet_ids": ["subnet-1"],
                "security_group_id": "sg-1",
                "log_group": f"/ecs/{name}",
                "log_prefix": "ecs",
            }
            for name in tasks
        },
    }
