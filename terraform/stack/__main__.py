"""Plan, apply, deploy and roll back: `make deploy ENV=dev TAG=…` and its like in the Makefile.

A deploy goes on only when a step has succeeded: migrations run as tasks of their own before any
new image takes traffic, and a service whose new tasks do not become healthy is rolled back by ECS.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable

import boto3

from stack.images import SERVICES, push, require_images
from stack.state import Outputs, Tags, Terraform, environments
from stack.steps import await_answer, await_rollout, require_secret, run_task
from stack.stop import Stop


def say(text: str) -> None:
    """Tell the operator which step comes."""
    print(f"==> {text}", flush=True)


def change(terraform: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Plan, apply or destroy, with the tags that run."""
    running, migrating = (outputs.get(f"{name}_tags", {}) for name in ("image", "migration"))
    terraform.change(options.command, running, migrating)


def push_images(_: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Build all images and push them with a tag."""
    push(outputs["repository_urls"], options.tag, outputs["platform"])


def deploy(terraform: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Migrate the schemas of all services, or of one, then run the tag."""
    running, migrating = outputs["image_tags"], outputs["migration_tags"]
    new = _chosen(options)
    _check(outputs, new)
    services = [service for service in SERVICES if service in new]
    migrating = migrating | {service: new[service] for service in services}
    _migrate(terraform, running, migrating, services)
    _roll_out(terraform, running | new, migrating)


def roll_back(terraform: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Run an older tag; schemas stay: each release reads the next one's (CONTRIBUTING)."""
    new = _chosen(options)
    _check(outputs, new)
    _roll_out(terraform, outputs["image_tags"] | new, outputs["migration_tags"])


def run_once(_: Terraform, outputs: Outputs, options: argparse.Namespace) -> None:
    """Run a one-off task, show what it wrote."""
    if options.task not in outputs["tasks"]:
        raise Stop(f"There is no task {options.task}; there are: {', '.join(outputs['tasks'])}.")
    run_task(outputs["cluster"], outputs["tasks"][options.task], options.words)


def _chosen(options: argparse.Namespace) -> Tags:
    names = [options.service] if options.service else [*SERVICES, "cli"]
    return dict.fromkeys(names, options.tag)


def _check(outputs: Outputs, new: Tags) -> None:
    say(f"check: images {json.dumps(new)}, and the secret that an operator gives")
    require_images(outputs["repository_urls"], new)
    require_secret(outputs["cloudinary_secret"])


def _migrate(terraform: Terraform, running: Tags, migrating: Tags, services: Iterable[str]) -> None:
    say("apply: infrastructure and the tasks that migrate; what runs stays")
    terraform.change("apply", running, migrating)
    outputs = terraform.outputs()
    say("run bootstrap: schemas, users and their rights")
    run_task(outputs["cluster"], outputs["tasks"]["bootstrap"])
    for service in services:
        say(f"run {service}-migrate")
        run_task(outputs["cluster"], outputs["tasks"][f"{service}-migrate"])


def _roll_out(terraform: Terraform, running: Tags, migrating: Tags) -> None:
    say("apply: services take the new images")
    terraform.change("apply", running, migrating)
    outputs = terraform.outputs()
    say("wait until every service runs the new images only")
    await_rollout(outputs["cluster"], outputs["services"])
    say(f"ask {outputs['url']}")
    await_answer(outputs["url"])
    say(f"Antiphon runs {json.dumps(running)} at {outputs['url']}")


Command = Callable[[Terraform, Outputs, argparse.Namespace], None]
_COMMANDS: dict[str, tuple[Command, str]] = {
    "plan": (change, "show what apply would change, with the tags that run"),
    "apply": (change, "change the infrastructure, with the tags that run"),
    "destroy": (change, "remove everything"),
    "push": (push_images, "build all images and push them with a tag"),
    "deploy": (deploy, "migrate, then run a tag"),
    "rollback": (roll_back, "run an older tag; schemas stay as they are"),
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
    except Stop as reason:
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
