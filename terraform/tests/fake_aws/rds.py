"""RDS as moto has it, and what it forgets, or makes up, of clusters and instances."""

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.models import DBCluster
from moto.rds.responses import RDSResponse as Response


def fill() -> None:
    """Add what moto lacks."""
    invented = DBCluster.scaling_configuration_info
    # Only Serverless v1 has it; moto answers with an empty one for the rest.
    DBCluster.scaling_configuration_info = property(
        lambda self: invented.fget(self) if self.scaling_configuration else None
    )
    describe = Response.describe_db_parameters

    def describe_db_parameters(self: Response) -> ActionResult:
        parameters = describe(self).result["Parameters"]
        return ActionResult(
            {"Parameters": [{**parameter, "Source": "user"} for parameter in parameters]}
        )

    create = Response.create_db_instance

    def create_db_instance(self: Response) -> Any:
        answer = create(self)
        instance = answer.result["DBInstance"]
        instance.performance_insights_enabled = self.params.get("EnablePerformanceInsights")
        instance.performance_insights_kms_key_id = self.params.get("PerformanceInsightsKMSKeyId")
        return answer

    Response.describe_db_parameters = describe_db_parameters
    Response.create_db_instance = create_db_instance
