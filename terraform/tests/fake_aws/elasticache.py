"""ElastiCache as moto has it, and parameter groups, members of replication groups, deletion."""

from typing import Any, ClassVar

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.exceptions import CacheSubnetGroupNotFound, ReplicationGroupNotFound
from moto.elasticache.responses import ElastiCacheResponse as Response

_groups: dict[str, dict[str, Any]] = {}
_parameters: dict[str, dict[str, str]] = {}


class ParameterGroupNotFound(ServiceException):  # type: ignore[misc]
    """There is no parameter group of this name."""

    code: ClassVar[str] = "CacheParameterGroupNotFound"


def fill() -> None:
    """Add what moto lacks."""
    create = Response.create_replication_group

    def create_replication_group(self: Response) -> ActionResult:
        _parameter_group(self._get_param("CacheParameterGroupName"))
        answer = create(self)
        _complete(self, answer.result["ReplicationGroup"])
        return answer

    Response.create_replication_group = create_replication_group
    for method in (
        create_cache_parameter_group,
        delete_cache_parameter_group,
        delete_cache_subnet_group,
        delete_replication_group,
        describe_cache_parameter_groups,
        describe_cache_parameters,
        modify_cache_parameter_group,
        reset_cache_parameter_group,
    ):
        setattr(Response, method.__name__, method)


def _complete(self: Any, group: Any) -> None:
    """Moto makes one member whatever was asked, and no cache cluster behind it."""
    count = self._get_int_param("NumCacheClusters") or 1
    group.member_clusters = [f"{group.replication_group_id}-{n:03}" for n in range(1, count + 1)]
    for member in group.member_clusters:
        self.elasticache_backend.cache_clusters[member] = {
            "AtRestEncryptionEnabled": group.at_rest_encryption_enabled,
            "AuthTokenEnabled": group.auth_token_enabled,
            "AutoMinorVersionUpgrade": self._get_bool_param("AutoMinorVersionUpgrade"),
            "CacheClusterId": member,
            "CacheClusterStatus": "available",
            "CacheNodeType": group.cache_node_type,
            "CacheParameterGroup": {"CacheParameterGroupName": group.cache_parameter_group_name},
            "CacheSubnetGroupName": group.cache_subnet_group_name,
            "Engine": group.engine,
            # AWS adds the patch.
            "EngineVersion": f"{group.engine_version}.0",
            "PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
            "ReplicationGroupId": group.replication_group_id,
            "SecurityGroups": [
                {"SecurityGroupId": name, "Status": "active"} for name in group.security_group_ids
            ],
            "TransitEncryptionEnabled": group.transit_encryption_enabled,
            "TransitEncryptionMode": group.transit_encryption_mode,
        }


def delete_replication_group(self: Any) -> ActionResult:
    """Delete at once; moto leaves it `deleting` for ever."""
    groups = self.elasticache_backend.replication_groups
    name = self._get_param("ReplicationGroupId")
    if name not in groups:
        raise ReplicationGroupNotFound(name)
    group = groups.pop(name)
    for member in group.member_clusters:
        del self.elasticache_backend.cache_clusters[member]
    return ActionResult({"ReplicationGroup": group})


def delete_cache_subnet_group(self: Any) -> ActionResult:
    """Delete a subnet group."""
    name = self._get_param("CacheSubnetGroupName")
    if self.elasticache_backend.cache_subnet_groups.pop(name, None) is None:
        raise CacheSubnetGroupNotFound(name)
    return EmptyResult()


def _parameter_group(name: str) -> dict[str, Any]:
    if name not in _groups:
        raise ParameterGroupNotFound(f"CacheParameterGroup {name} not found.")
    return _groups[name]


def create_cache_parameter_group(self: Any) -> ActionResult:
    """Make a parameter group without parameters of its own."""
    name = self._get_param("CacheParameterGroupName")
    # Of the same form as a subnet group's, which is what moto's tags go by.
    place = f"{self.region}:{self.current_account}"
    arn = f"arn:aws:elasticache:{place}:subnetgroup:parametergroup:{name}"
    _groups[name] = {
        "ARN": arn,
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": self._get_param("CacheParameterGroupFamily"),
        "Description": self._get_param("Description"),
        "IsGlobal": False,
    }
    _parameters[name] = {}
    self.elasticache_backend.add_tags_to_resource(arn, self._get_param("Tags", []))
    return ActionResult({"CacheParameterGroup": _groups[name]})


def describe_cache_parameter_groups(self: Any) -> ActionResult:
    """Return one parameter group, or all."""
    name = self._get_param("CacheParameterGroupName")
    groups = [_parameter_group(name)] if name else list(_groups.values())
    return ActionResult({"CacheParameterGroups": groups})


def describe_cache_parameters(self: Any) -> ActionResult:
    """Return the parameters that were set."""
    name = self._get_param("CacheParameterGroupName")
    _parameter_group(name)
    parameters = [
        {"ParameterName": key, "ParameterValue": value, "Source": "user"}
        for key, value in _parameters[name].items()
    ]
    return ActionResult({"Parameters": parameters})


def modify_cache_parameter_group(self: Any) -> ActionResult:
    """Set parameters."""
    name = self._get_param("CacheParameterGroupName")
    _parameter_group(name)
    for given in self._get_param("ParameterNameValues", []):
        _parameters[name][given["ParameterName"]] = given["ParameterValue"]
    return ActionResult({"CacheParameterGroupName": name})


def reset_cache_parameter_group(self: Any) -> ActionResult:
    """Take parameters back."""
    name = self._get_param("CacheParameterGroupName")
    _parameter_group(name)
    for given in self._get_param("ParameterNameValues", []):
        _parameters[name].pop(given["ParameterName"], None)
    return ActionResult({"CacheParameterGroupName": name})


def delete_cache_parameter_group(self: Any) -> ActionResult:
    """Delete a parameter group."""
    name = self._get_param("CacheParameterGroupName")
    _parameter_group(name)
    del _groups[name], _parameters[name]
    return EmptyResult()
