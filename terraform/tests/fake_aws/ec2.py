"""EC2 as moto has it, and descriptions of rules between security groups."""

from typing import Any

from moto.ec2.responses import EC2Response as Response


def fill() -> None:
    """Keep the descriptions of rules."""
    for method in ("authorize_security_group_ingress", "authorize_security_group_egress"):
        setattr(Response, method, _described(getattr(Response, method)))


def _described(authorize: Any) -> Any:
    def authorize_described(self: Any) -> Any:
        answer = authorize(self)
        permission = self._get_param("IpPermissions")[0]
        for pair in permission.get("UserIdGroupPairs") or permission.get("Groups", []):
            for rule in answer.result["SecurityGroupRules"]:
                rule.ip_range = {"Description": pair.get("Description")}
        return answer

    return authorize_described
