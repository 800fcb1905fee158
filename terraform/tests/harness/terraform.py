"""Terraform on copies of the code, so that nothing of its own gets into the tree."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.processes import Output, Processes
from harness.tools import Tools

TERRAFORM = Path(__file__).parent.parent.parent
PROJECT = TERRAFORM.parent
FAKE_AWS = TERRAFORM / "tests" / "fake_aws"
Plan = dict[str, Any]


def copy_sources(folder: Path) -> Path:
    """Copy the root, its modules and the route table below `folder`; return the copy's root."""
    ignored = shutil.ignore_patterns(".terraform*", "*.tfstate*", "tfplan*", "__pycache__")
    shutil.copytree(
        TERRAFORM, folder / "terraform", ignore=lambda at, names: ignored(at, names) | _tests(at)
    )
    (folder / "gateway").mkdir()
    shutil.copy(PROJECT / "gateway" / "routes.yaml", folder / "gateway")
    return folder / "terraform"


def _tests(at: str) -> set[str]:
    # The tests of modules are theirs; these here are no part of the root.
    return {"tests"} if Path(at) == TERRAFORM else set()


@dataclass(frozen=True)
class Terraform:
    """Terraform in one folder with one environment."""

    tools: Tools
    folder: Path
    processes: Processes
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout_seconds: float = 600) -> Output:
        """Run a terraform command to its end, whatever its exit code."""
        return self.processes.run(
            [str(self.tools.terraform), *arguments],
            self.folder,
            {**_clean_environment(), **self.environment},
            timeout_seconds,
        )

    def init(self, *arguments: str) -> Output:
        """Install the provider from the mirror."""
        source = f"-plugin-dir={self.tools.mirror}"
        return self.run("init", "-input=false", "-no-color", source, *arguments).checked()

    def plan(self, name: str, *arguments: str) -> Plan:
        """Plan into the file `name` and return the plan as terraform writes it in JSON."""
        self.run("plan", "-input=false", "-no-color", f"-out={name}", *arguments).checked()
        return self.show(name)

    def show(self, *arguments: str) -> Plan:
        """Return a plan, or without arguments the state, as JSON."""
        document: Plan = json.loads(self.run("show", "-json", *arguments).checked().stdout)
        return document


def changes(plan: Plan) -> list[dict[str, Any]]:
    """Return what a plan would change, without what only is read."""
    return [
        change
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and change["change"]["actions"] != ["no-op"]
    ]


def planned(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a type as they will be, by address."""
    return {
        change["address"]: change["change"]["after"]
        for change in plan["resource_changes"]
        if change["type"] == kind and change["mode"] == "managed" and change["change"]["after"]
    }


def _clean_environment() -> dict[str, str]:
    """Ours without what would reach the real AWS or change what terraform does."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "TF_")) and not name.lower().endswith("_proxy")
    }
    return {**kept, "TF_IN_AUTOMATION": "true", "CHECKPOINT_DISABLE": "true"}
