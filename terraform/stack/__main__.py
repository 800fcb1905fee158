"""Plan, apply, deploy and roll back: `make deploy ENV=dev TAG=…` and its like in the Makefile.

A deploy goes on only when a step has succeeded: migrations run as tasks of their own before any
new image takes traffic, and a service whose new tasks do not become healthy is rolled back by ECS.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stack.cloudinary import require_url
from stack.images import SERVICES, push, require_images
from stack.state import Outputs, Release, Terraform, environments, former, release_of
from stack.steps import (
    Services,
    await_answer,
    await_rollout,
    failed,
    restart_failed,
    run_task,
)
from stack.stop import RolledBack, Stop


def say(text: str) -> None:
    """Tell the operator which step comes."""
    print(f"==> {text}", flush=True)


def change(terraform: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Plan or destroy, with what runs."""
    terraform.change(options.command, release_of(outputs))


def apply(terraform: Terraform, _: Outputs, __: argparse.Namespace) -> None:
    """Apply, with what runs."""
    terraform.update({})


def push_images(_: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Build all images and push them with a tag."""
    push(outputs["repository_urls"], options.tag, outputs["platform"])


def deploy(terraform: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Migrate the schemas of all services, or of one, then run the tag."""
    new = _check(outputs, options)
    services = [service for service in SERVICES if service in new]
    # They never ran, and these images are their next chance: nothing to wait for before.
    broken = failed(outputs["cluster"], outputs["services"])
    say("apply: infrastructure and the tasks that migrate; what runs keeps its images")
    outputs = terraform.update({"migration_tags": {service: new[service] for service in services}})
    ran = {name: one for name, one in _own(outputs, services).items() if name not in broken}
    await_rollout(outputs["cluster"], ran)
    _run(outputs, "bootstrap")
    for service in services:
        _run(outputs, f"{service}-migrate")
    _roll_out(terraform, {"image_tags": new})


def roll_back(terraform: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Run an older tag; schemas stay: each release reads the next one's (CONTRIBUTING)."""
    _roll_out(terraform, {"image_tags": _check(outputs, options)})


def rotate(terraform: Terraform, outputs: Outputs, _: argparse.Namespace) -> None:
    """Give database users and both Redis new passwords, and then all tasks."""
    version = outputs["secrets_version"]
    # Redis takes the two newest only: after a rotation that stopped, a third would lock tasks out.
    if version == outputs["running_secrets_version"]:
        version += 1
    say("apply: new passwords in the secrets; what runs has the former ones, which stay good")
    outputs = terraform.update({"secrets_version": version})
    _run(outputs, "bootstrap")
    _roll_out(terraform, {"running_secrets_version": version})


def run_once(_: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Run a one-off task, show what it wrote."""
    if options.task not in outputs["tasks"]:
        raise Stop(f"There is no task {options.task}; there are: {', '.join(outputs['tasks'])}.")
    run_task(outputs["cluster"], outputs["tasks"][options.task], options.words)


def _check(outputs: Outputs, options: argparse.Namespace) -> dict[str, str]:
    """Return the tags that are to run; raises Stop unless they can."""
    if options.service and set(SERVICES) - outputs["image_tags"].keys():
        raise Stop("One service by itself comes later: deploy all of them first, without SERVICE.")
    names = [options.service] if options.service else [*SERVICES, "cli"]
    new = dict.fromkeys(names, options.tag)
    say(f"check: images {json.dumps(new)}, and the secret that an operator gives")
    require_images(outputs["repository_urls"], new)
    require_url(outputs["cloudinary_secret"])
    return new


def _run(outputs: Outputs, task: str) -> None:
    say(f"run {task}")
    run_task(outputs["cluster"], outputs["tasks"][task])


def _own(outputs: Outputs, services: Iterable[str]) -> Services:
    """Return the processes of some services; others may be deployed by somebody else meanwhile."""
    wanted = set(services)
    return {
        process: service
        for process, service in outputs["services"].items()
        if process.rpartition("-")[0] in wanted
    }


def _roll_out(terraform: Terraform, changed: Release) -> None:
    release = release_of(terraform.outputs())
    say("apply: services start their tasks anew")
    outputs = terraform.update(changed)
    say("wait until they run their new tasks only")
    services = _own(outputs, changed.get("image_tags", SERVICES))
    restart_failed(outputs["cluster"], services)
    try:
        await_rollout(outputs["cluster"], services)
    except RolledBack as reason:
        # Else the next apply would start again what has just failed.
        say(f"{reason}; apply: what ran before")
        terraform.update(former(release, changed))
        raise Stop(f"{reason}. What ran before runs again.") from None
    say(f"ask {outputs['url']}")
    await_answer(outputs["url"])
    say(f"Antiphon runs {json.dumps(outputs['image_tags'])} at {outputs['url']}")


Command = Callable[[Terraform, Outputs, argparse.Namespace], None]
_COMMANDS: dict[str, tuple[Command, str]] = {
    "plan": (change, "show what apply would change, with the tags that run"),
    "apply": (apply, "change the infrastructure, with the tags that run"),
    "destroy": (change, "remove everything"),
    "push": (push_images, "build all images and push them with a tag"),
    "deploy": (deploy, "migrate, then run a tag"),
    "rollback": (roll_back, "run an older tag; schemas stay as they are"),
    "rotate": (rotate, "give databases and Redis new passwords"),
    "task": (run_once, "run a one-off task, such as cli"),
}


def main(arguments: list[str]) -> int:
    """Run one command; returns 1 with the reason on stderr if a step failed."""
    options = _parser().parse_args(arguments)
    terraform = Terraform(options.environment, options.yes)
    try:
        terraform.init()
        outputs = terraform.outputs()
        if "region" in outputs:
            boto3.setup_default_session(region_name=outputs["region"])
        elif options.command not in ("plan", "apply", "destroy"):
            raise Stop(f"There is nothing yet. Make it first: make infra ENV={options.environment}")
        run, _ = _COMMANDS[options.command]
        run(terraform, outputs, options)
    except (Stop, BotoCoreError, ClientError) as reason:
        print(f"Stopped: {reason}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="change without asking")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, meaning) in _COMMANDS.items():
        command = commands.add_parser(name, help=meaning)
        command.add_argument("environment", choices=environments())
        if name in ("push", "deploy", "rollback"):
            command.add_argument("tag")
        if name in ("deploy", "rollback"):
            command.add_argument("--service", choices=SERVICES, help="one service only")
        if name == "task":
            command.add_argument("task", help="cli, admin, bootstrap or SERVICE-migrate")
            command.add_argument("words", nargs="*", help="other words than the task's own")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
