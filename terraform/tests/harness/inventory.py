"""What runs on ECS: the services and the one-off tasks, as AWS tells of them."""

from dataclasses import dataclass
from typing import Any

from harness.deployment import Deployment


@dataclass(frozen=True)
class Process:
    """A service or one-off task; `service` is None for the latter."""

    name: str
    definition: dict[str, Any]
    service: dict[str, Any] | None
    security_group: str

    @property
    def container(self) -> dict[str, Any]:
        """The only container of the task."""
        (container,) = self.definition["containerDefinitions"]
        return dict(container)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables, without secrets."""
        return {one["name"]: one["value"] for one in self.container["environment"]}

    @property
    def secrets(self) -> dict[str, str]:
        """ARNs of secrets by environment variable."""
        return {one["name"]: one["valueFrom"] for one in self.container["secrets"]}


def processes(deployment: Deployment) -> dict[str, Process]:
    """Return everything that can run, by its short name such as catalog-web."""
    ecs, outputs = deployment.aws.client("ecs"), deployment.outputs
    found = {}
    for short, told in outputs["services"].items():
        (service,) = ecs.describe_services(cluster=outputs["cluster"], services=[told["name"]])[
            "services"
        ]
        assert service["taskDefinition"] == told["task_definition"]
        (group,) = service["networkConfiguration"]["awsvpcConfiguration"]["securityGroups"]
        found[short] = Process(short, _definition(ecs, service["taskDefinition"]), service, group)
    for short, task in outputs["tasks"].items():
        definition = _definition(ecs, task["task_definition"])
        found[short] = Process(short, definition, None, task["security_group_id"])
    return found


def _definition(ecs: Any, arn: str) -> dict[str, Any]:
    return dict(ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"])
