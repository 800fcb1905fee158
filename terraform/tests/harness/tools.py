"""Where terraform and the AWS provider are on this machine."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.processes import Processes

PROJECT = Path(__file__).parent.parent.parent.parent
DOWNLOADED = PROJECT / "build/terraform-providers"
PROVIDER = Path("registry.terraform.io/hashicorp/aws")
# Nothing is installed there, and they are large or endless.
_NOT_SEARCHED = {"proc", "sys", "dev", "run", "tmp", "boot", "lost+found"}
_DEPTH = 4


@dataclass(frozen=True)
class Tools:
    """The program, and the folder with the provider for `init -plugin-dir`."""

    terraform: Path
    mirror: Path


class ToolsMissing(Exception):
    """Terraform is not here; the text says what to do."""


def find_tools(processes: Processes) -> Tools:
    """Find terraform by TERRAFORM or PATH; its provider by TERRAFORM_PLUGIN_DIR, a search, or a
    download into build/."""
    named = os.environ.get("TERRAFORM", "terraform")
    terraform = shutil.which(named)
    if terraform is None:
        raise ToolsMissing(
            f"{named} is not on this machine. Install terraform 1.11 or newer "
            "(https://developer.hashicorp.com/terraform/install), or say where it is: TERRAFORM=..."
        )
    mirror = _find_mirror() or _download(processes, Path(terraform))
    return Tools(Path(terraform), mirror)


def _download(processes: Processes, terraform: Path) -> Path:
    DOWNLOADED.parent.mkdir(exist_ok=True)
    # Goes by the configuration alone, and writes nothing beside it.
    command = [str(terraform), "providers", "mirror", str(DOWNLOADED)]
    if processes.run(command, PROJECT / "terraform/modules/kms", os.environ).code:
        raise ToolsMissing(
            f"{PROVIDER} is not on this machine and cannot be downloaded (in "
            f"terraform/modules/kms `terraform providers mirror {DOWNLOADED.name}` says why). "
            "Say in which folder registry.terraform.io/ is: TERRAFORM_PLUGIN_DIR=..."
        )
    return DOWNLOADED


def _find_mirror() -> Path | None:
    named = os.environ.get("TERRAFORM_PLUGIN_DIR")
    if named:
        mirror = Path(named)
        if not (mirror / PROVIDER).is_dir():
            raise ToolsMissing(f"TERRAFORM_PLUGIN_DIR={named} has no {PROVIDER}")
        return mirror.resolve()
    return next((folder for folder in _folders() if (folder / PROVIDER).is_dir()), None)


def _folders() -> Iterator[Path]:
    yield from _configured()
    # Where terraform itself looks: developer.hashicorp.com/terraform/cli/config/config-file
    home = Path.home()
    yield home / ".terraform.d/plugins"
    yield Path(os.environ.get("XDG_DATA_HOME", home / ".local/share")) / "terraform/plugins"
    for shared in os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":"):
        yield Path(shared) / "terraform/plugins"
    if cache := os.environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(cache)
    yield home / ".terraform.d/plugin-cache"
    yield DOWNLOADED
    for folder in sorted(Path("/").iterdir()):
        if folder.name not in _NOT_SEARCHED:
            yield from _searched(folder, _DEPTH)


def _configured() -> Iterator[Path]:
    config = Path(os.environ.get("TF_CLI_CONFIG_FILE", Path.home() / ".terraformrc"))
    if config.is_file():
        text = config.read_text(encoding="utf-8")
        for path in re.findall(r'^\s*(?:path|plugin_cache_dir)\s*=\s*"([^"]+)"', text, re.M):
            yield Path(path).expanduser()


def _searched(folder: Path, depth: int) -> Iterator[Path]:
    try:
        inner = [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    if any(entry.name == PROVIDER.parts[0] for entry in inner):
        yield folder
    if depth:
        for entry in inner:
            yield from _searched(Path(entry.path), depth - 1)
