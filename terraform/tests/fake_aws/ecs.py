"""ECS as moto has it, and what it forgets of a service."""

from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.ecs.models import EC2ContainerServiceBackend as Backend
from moto.ecs.responses import EC2ContainerServiceResponse as Response

_FORGOTTEN = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
)


def fill() -> None:
    """Keep what a service was made with, and run tasks of Fargate."""
    create = Response.create_service

    def create_service(self: Response) -> Any:
        answer = create(self)
        service = answer.result["service"]
        for name in _FORGOTTEN:
            setattr(service, camelcase_to_underscores(name), self._get_param(name))
        # Moto says EC2 where nothing is said; AWS says nothing beside capacity providers.
        service.launch_type = self._get_param("launchType")
        _roll_out(service)
        return answer

    Response.create_service = create_service
    update = Backend.update_service

    def update_service(self: Backend, properties: dict[str, Any]) -> Any:
        service = update(self, properties)
        _roll_out(service)
        return service

    Backend.update_service = update_service
    # Moto fails where only the task says how much memory it takes, as on Fargate.
    Backend._calculate_task_resource_requirements = _nothing


def _roll_out(service: Any) -> None:
    # Moto leaves a deployment as it was made, and under way for ever.
    for deployment in service.deployments:
        deployment["taskDefinition"] = service.task_definition
        deployment["rolloutState"] = "COMPLETED"


def _nothing(_self: Backend, _definition: Any) -> dict[str, Any]:
    return {"CPU": 0, "MEMORY": 0, "PORTS": [], "PORTS_UDP": []}
