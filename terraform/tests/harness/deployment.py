"""The root, applied to the fake AWS once for all tests."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.aws import FakeAws
from harness.processes import Processes
from harness.terraform import FAKE_AWS, Plan, Terraform, copy_sources
from harness.tools import Tools

# More at a time than terraform's 10: most of an apply is waiting.
PARALLEL = "-parallelism=30"
SERVICES = ("auth", "catalog", "playlist", "media")
TAG = "1.2.3"


@dataclass(frozen=True)
class Deployment:
    """What was planned and applied, and where."""

    aws: FakeAws
    terraform: Terraform
    arguments: list[str]
    plan: Plan
    state: dict[str, Any]
    second_plan: Plan
    second_code: int

    @property
    def outputs(self) -> dict[str, Any]:
        """The root's outputs."""
        outputs = self.state["values"]["outputs"]
        return {name: output["value"] for name, output in outputs.items()}

    def copy(self, folder: Path) -> Terraform:
        """Copy code and state, to plan something else without harm to what others look at."""
        shutil.copytree(self.terraform.folder.parent, folder, symlinks=True)
        return replace(self.terraform, folder=folder / "terraform")


def seed(aws: FakeAws) -> dict[str, Any]:
    """Make what must exist before the first apply, and return the variables that name it."""
    zone = aws.client("route53").create_hosted_zone(
        Name="antiphon.example.com", CallerReference="1"
    )
    return {
        "hosted_zone_id": zone["HostedZone"]["Id"].removeprefix("/hostedzone/"),
        "image_tags": dict.fromkeys((*SERVICES, "cli"), TAG),
        "migration_tags": dict.fromkeys(SERVICES, TAG),
        "secrets_version": 1,
        "running_secrets_version": 1,
    }


def workspace(
    tools: Tools, processes: Processes, folder: Path, environment: str, aws: FakeAws
) -> tuple[Terraform, list[str]]:
    """A copy of the root that goes to the fake AWS, and the arguments of its plans."""
    root = copy_sources(folder)
    shutil.copy(FAKE_AWS / "overrides.tf", root / "fake_aws_override.tf")
    (root / "seed.tfvars.json").write_text(json.dumps(seed(aws)))
    terraform = Terraform(tools, root, processes, aws.environment)
    terraform.init()
    return terraform, [
        f"-var-file=environments/{environment}.tfvars",
        "-var-file=seed.tfvars.json",
        PARALLEL,
    ]


@contextmanager
def deployed(tools: Tools, processes: Processes, folder: Path) -> Iterator[Deployment]:
    """Plan and apply dev to a fake AWS of its own, and plan again."""
    aws = FakeAws(processes)
    try:
        terraform, arguments = workspace(tools, processes, folder, "dev", aws)
        plan = terraform.plan("tfplan", *arguments)
        applied = terraform.run("apply", "-input=false", "-no-color", PARALLEL, "tfplan")
        assert applied.code == 0, f"{applied.stderr}\n{''.join(aws.missing)}\n{aws.log}"
        again = terraform.run(
            "plan", "-input=false", "-detailed-exitcode", "-out=again", *arguments
        )
        assert again.code in (0, 2), again.stderr
        yield Deployment(
            aws,
            terraform,
            arguments,
            plan,
            terraform.show(),
            terraform.show("again"),
            again.code,
        )
    finally:
        aws.stop()
