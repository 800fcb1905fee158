"""Accounts made at the machine itself, by auth's own command in a child process."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from antiphon.embedded.folder import CannotStartError, DataFolder, load_secrets
from antiphon.embedded.redis_server import RedisUrls
from antiphon.embedded.services import CONTRACTS, Installation, python, service_environment

# Redis only hurries the relay along; the worker finds what was written here within a second.
_NO_REDIS = RedisUrls("unix:///dev/null?db=0", "unix:///dev/null?db=1")
_ANY_PORT = 8080


def create_admin(
    data_dir: Path, environ: Mapping[str, str], email: str, username: str, password: str
) -> int:
    """Run `auth.admin create` and return its exit code; raises CannotStartError."""
    finished = subprocess.run(  # noqa: S603 -- no shell; the texts are arguments
        [*python("auth.admin"), "create", "--email", email, "--username", username],
        input=f"{password}\n",
        text=True,
        env=_environment(data_dir, environ),
        check=False,
    )
    return finished.returncode


def _environment(data_dir: Path, environ: Mapping[str, str]) -> dict[str, str]:
    if environ.get("AUTH_DATABASE_URL"):
        return dict(environ)
    folder = DataFolder(data_dir.expanduser().absolute())
    if folder.is_new:
        raise CannotStartError(
            f"There is no Antiphon in {folder.path}: start it once with `antiphon up`, name its "
            "folder with --data-dir, or name auth's database with AUTH_DATABASE_URL."
        )
    secrets = load_secrets(folder)
    scratch = tempfile.gettempdir()
    installation = Installation(folder, scratch, CONTRACTS, _ANY_PORT, _NO_REDIS, secrets, environ)
    return service_environment("auth", installation)
