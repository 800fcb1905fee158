"""Terraform for one environment."""

import json
import os
import subprocess
import sys
import tempfile
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
_TRIES = 5
_LOCK = "-lock-timeout=15m"
_STALE = "Saved plan is stale"


def release_of(outputs: Outputs) -> Release:
    """Return what runs, as of the last apply."""
    return {name: outputs.get(name, value) for name, value in _BEFORE_THE_FIRST.items()}


def former(release: Release, changed: Release) -> Release:
    """Return what `changed` has replaced in `release`, tag by tag."""
    return {
        name: {tag: release[name][tag] for tag in value if tag in release[name]}
        if isinstance(value, dict)
        else release[name]
        for name, value in changed.items()
    }


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
        """Run `plan` or `destroy`; the latter asks; raises Stop."""
        approved = ["-auto-approve"] if self.approve and command == "destroy" else []
        self._run(command, *self._given(release), *approved)

    def update(self, changed: Release) -> Outputs:
        """Apply with what runs by now, but for `changed`, tag by tag; asks; raises Stop.

        Somebody else may apply while this waits for the lock or for an answer. A plan without what
        they brought would take it away again, so it is dropped and made anew.
        """
        for _ in range(_TRIES):
            # Nobody else may read a plan: all of the state is in it.
            with tempfile.TemporaryDirectory() as folder:
                if self._apply(changed, f"{folder}/plan"):
                    return self.outputs()
            print("==> somebody else has applied meanwhile; plan anew", flush=True)
        raise Stop(f"Others applied {_TRIES} times meanwhile. Run it again when they are done.")

    def _apply(self, changed: Release, plan: str) -> bool:
        """Plan and apply; returns False, and changes nothing, if somebody else came before."""
        running = release_of(self.outputs())
        options = (*self._given(_merged(running, changed)), f"-out={plan}", "-detailed-exitcode")
        planned = self._call("plan", *options)
        if planned.returncode not in (0, 2):
            raise _failure("plan")
        if release_of(self.outputs()) != running:
            return False
        if planned.returncode == 0:
            return True  # nothing to change
        if not self.approve:
            _ask()
        return self._apply_plan(plan)

    def _apply_plan(self, plan: str) -> bool:
        """Apply; returns False if the state is not the one that was planned for."""
        applied = self._call("apply", _LOCK, plan, stderr=subprocess.PIPE)
        print(applied.stderr, end="", file=sys.stderr, flush=True)
        if applied.returncode != 0 and _STALE not in applied.stderr:
            raise _failure("apply")
        return applied.returncode == 0

    def _given(self, release: Release) -> list[str]:
        values = [f"-var={name}={json.dumps(value)}" for name, value in release.items()]
        return [f"-var-file=environments/{self.environment}.tfvars", _LOCK, *values]

    def _run(self, command: str, *options: str, capture: bool = False) -> str:
        ended = self._call(command, *options, stdout=subprocess.PIPE if capture else None)
        if ended.returncode != 0:
            raise _failure(command)
        return ended.stdout or ""

    def _call(
        self, command: str, *options: str, stdout: int | None = None, stderr: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        # In automation it does not say how to apply a plan by hand.
        own = {"TF_DATA_DIR": f".terraform/{self.environment}", "TF_IN_AUTOMATION": "true"}
        words = [os.environ.get("TERRAFORM", "terraform"), f"-chdir={ROOT}", command, *options]
        started = subprocess.Popen(
            words, env={**os.environ, **own}, stdout=stdout, stderr=stderr, text=True
        )
        return subprocess.CompletedProcess(words, *_end_of(started))


def _end_of(process: subprocess.Popen[str]) -> tuple[int, str | None, str | None]:
    """Wait for the end, also after Ctrl-C: Terraform hears it, too, and ends in its own time.

    `subprocess.run` would kill it after a quarter of a second, in the middle of a change.
    """
    while True:
        try:
            said = process.communicate()
        except KeyboardInterrupt:
            continue
        return process.returncode, *said


def _merged(running: Release, changed: Release) -> Release:
    return running | {
        name: running[name] | value if isinstance(value, dict) else value
        for name, value in changed.items()
    }


def _ask() -> None:
    """Raise Stop unless the operator says yes to the plan above."""
    try:
        answer = input('Apply this plan? Only "yes" will do it: ')
    except (EOFError, KeyboardInterrupt):
        answer = ""
    if answer.strip() != "yes":
        raise Stop("Nothing was applied.")


def _failure(command: str) -> Stop:
    return Stop(f"terraform {command} failed; nothing after it was done.")
