"""Terraform for one environment."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.stop import Stop

ROOT = Path(__file__).parent.parent
Outputs = dict[str, Any]
"""What outputs.tf describes; empty before the first apply."""
Release = dict[str, Any]
"""The variables that say what runs, which Terraform gets back from its own outputs."""
_BEFORE_THE_FIRST: Release = {
    "image_tags": {},
    "migration_tags": {},
    "secrets_version": 1,
    "running_secrets_version": 1,
}


def release_of(outputs: Outputs) -> Release:
    """Return what runs, as of the last apply."""
    return {name: outputs.get(name, value) for name, value in _BEFORE_THE_FIRST.items()}


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

    def change(self, command: str, release: Release) -> None:
        """Run `plan`, `apply` or `destroy`; asks before it changes anything; raises Stop."""
        options = [f"-var={name}={json.dumps(value)}" for name, value in release.items()]
        if self.approve and command != "plan":
            options.append("-auto-approve")
        files = f"-var-file=environments/{self.environment}.tfvars"
        self._run(command, files, "-lock-timeout=15m", *options)

    def update(self, changed: Release) -> Outputs:
        """Apply with what runs by now, but for `changed`, tag by tag; raises Stop.

        It is asked anew each time: another service may have been deployed meanwhile.
        """
        release = release_of(self.outputs())
        for name, value in changed.items():
            release[name] = release[name] | value if isinstance(value, dict) else value
        self.change("apply", release)
        return self.outputs()

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
