"""ECS as moto has it, and what it forgets of a service."""

from typing import Any

from moto.core.utils import camelcase_to_underscores
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
    """Keep what a service was made with."""
    create = Response.create_service

    def create_service(self: Response) -> Any:
        answer = create(self)
        service = answer.result["service"]
        for name in _FORGOTTEN:
            setattr(service, camelcase_to_underscores(name), self._get_param(name))
        # Moto says EC2 where nothing is said; AWS says nothing beside capacity providers.
        service.launch_type = self._get_param("launchType")
        return answer

    Response.create_service = create_service
