"""Terraform for one environment."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.stop import Stop

ROOT = Path(__file__).parent.parent
Tags = dict[str, str]
"""Image tags by service, and of the operators' commands: `cli`."""
Outputs = dict[str, Any]
"""What outputs.tf describes; empty before the first apply."""


def environments() -> list[str]:
    """Return the names of all environments: one for each .tfvars."""
    return sorted(file.stem for file in (ROOT / "environments").glob("*.tfvars"))


@dataclass(frozen=True)
class Terraform:
    """Terraform for one environment; its own data folder, so that two never mix."""

    environment: str
    approve: bool

    def init(self) -> None:
        """Get provider and state; raises Stop."""
        options = ["-input=false", "-reconfigure"]
        if plugins := os.environ.get("TERRAFORM_PLUGIN_DIR"):
            options.append(f"-plugin-dir={plugins}")
        self._run("init", f"-backend-config=environments/{self.environment}.s3.tfbackend", *options)

    def outputs(self) -> Outputs:
        """Return the outputs of the last apply, empty before the first."""
        text = self._run("output", "-json", capture=True)
        return {name: output["value"] for name, output in json.loads(text).items()}

    def change(self, command: str, running: Tags, migrating: Tags) -> None:
        """Run `plan`, `apply` or `destroy` with these tags; asks before it changes; raises Stop."""
        tags = {"image_tags": running, "migration_tags": migrating}
        options = [f"-var={name}={json.dumps(value)}" for name, value in tags.items()]
        if self.approve and command != "plan":
            options.append("-auto-approve")
        self._run(command, f"-var-file=environments/{self.environment}.tfvars", *options)

    def _run(self, command: str, *options: str, capture: bool = False) -> str:
        ended = subprocess.run(
            [os.environ.get("TERRAFORM", "terraform"), f"-chdir={ROOT}", command, *options],
            env={**os.environ, "TF_DATA_DIR": f".terraform/{self.environment}"},
            stdout=subprocess.PIPE if capture else None,
            text=True,
            check=False,
        )
        if ended.returncode != 0:
            raise Stop(f"terraform {command} failed; nothing after it was done.")
        return ended.stdout or ""
