"""Refuses changes of event contracts that would break a reader of what is published already.

`python contracts/compatibility.py [--against REV]` compares the schemas in the working tree with
those of a commit: the one named, else the last one, or the one before it if nothing has changed
since. Within a version contracts only grow; see docs/events.md.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from schema_changes import contract_changes

Document = dict[str, Any]

_ADVICE = (
    "Within a version events only grow: what is published already must stay as it is. Leave the\n"
    "event alone and publish the change as a new type beside it (….v2), until nobody reads the\n"
    "old one; see docs/events.md, «Changing an event»."
)


class NothingToCompare(Exception):
    """There is no earlier contract here; says why."""


class Git:
    """The history that a folder is part of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *arguments: str) -> str:
        """Run git in the folder; raises CalledProcessError when it fails."""
        command = ["git", "-C", str(self._folder), *arguments]
        environment = os.environ | {"LC_ALL": "C"}
        done = subprocess.run(  # noqa: S603 - no shell, and git refuses what is no revision
            command, capture_output=True, check=True, env=environment
        )
        return done.stdout.decode()

    def has(self, revision: str) -> bool:
        """Whether the commit is in this clone."""
        try:
            self("rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}")
        except subprocess.CalledProcessError:
            return False
        return True


def base_revision(git: Git) -> str:
    """Return the commit that published what the working tree may not break.

    Raises NothingToCompare where the clone has no such commit.
    """
    if not git.has("HEAD"):
        raise NothingToCompare("nothing was committed yet")
    if git("status", "--porcelain", "--", "events", "subscribers.yaml"):
        return "HEAD"
    if git.has("HEAD~1"):
        return "HEAD~1"
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise NothingToCompare(
            "this clone is shallow and ends at HEAD, which has the same contracts; "
            "`git fetch --deepen=1` brings the commit before it"
        )
    raise NothingToCompare("there is but one commit, with the same contracts")


def schemas_at(git: Git, revision: str) -> dict[str, Document]:
    """Return the event schemas of a commit by event type."""
    paths = git("ls-tree", "--name-only", revision, "events/").splitlines()
    schemas = [path for path in paths if path.endswith(".json")]
    return {Path(path).stem: json.loads(git("show", f"{revision}:./{path}")) for path in schemas}


def check(contracts: Path, against: str | None) -> tuple[str, list[str]]:
    """Return the commit that was compared with, and what breaks readers.

    Raises NothingToCompare without history, and CalledProcessError with what git says otherwise.
    """
    git = Git(contracts)
    try:
        git("rev-parse", "--show-toplevel")
    except FileNotFoundError as error:
        raise NothingToCompare("git is not installed") from error
    except subprocess.CalledProcessError as error:
        if b"not a git repository" not in error.stderr:
            raise
        raise NothingToCompare("this is no git checkout") from error
    revision = against or base_revision(git)
    old = schemas_at(git, revision)
    if not old:
        raise NothingToCompare(f"{revision} has no event contracts")
    new = {
        path.stem: json.loads(path.read_text()) for path in (contracts / "events").glob("*.json")
    }
    routes = yaml.safe_load((contracts / "subscribers.yaml").read_text())
    return revision, contract_changes(old, new, routes)


def main() -> None:
    """Compare, and exit with 1 and a line for each change that breaks readers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--against", metavar="REV", help="a commit, such as origin/main")
    parser.add_argument("--contracts", type=Path, default=Path(__file__).resolve().parent)
    arguments = parser.parse_args()
    try:
        revision, changes = check(arguments.contracts, arguments.against)
    except NothingToCompare as reason:
        print(f"Event contracts were NOT compared with earlier ones: {reason}.")
        return
    except subprocess.CalledProcessError as error:
        sys.exit(f"git could not read the earlier contracts: {error.stderr.decode().strip()}")
    if changes:
        sys.exit("\n".join([f"Compared with {revision}:", *changes, "", _ADVICE]))
    print(f"Event contracts only grew since {revision}.")


if __name__ == "__main__":
    main()
