"""What runs in a data folder: `antiphon status`."""

import json
from pathlib import Path

from antiphon.embedded.folder import DataFolder, lock_holder


def running_url(data_dir: Path) -> str | None:
    """Return where the Antiphon of a data folder answers, or None if it does not run."""
    holder = lock_holder(DataFolder(data_dir.expanduser().absolute()))
    return str(holder["url"]) if holder and "url" in holder else None


def report(data_dir: Path) -> tuple[list[str], bool]:
    """Return the lines to print and whether Antiphon runs in the folder."""
    folder = DataFolder(data_dir.expanduser().absolute())
    holder = lock_holder(folder)
    if holder is None:
        return [f"Antiphon does not run in {folder.path}."], False
    lines = [f"Antiphon runs in {folder.path} as process {holder['pid']} at {holder['url']}"]
    try:
        processes = json.loads((folder.path / "status.json").read_text())["processes"]
    except FileNotFoundError:
        return [*lines, "It is still preparing."], True
    for name, known in processes.items():
        restarts = f", restarted {known['restarts']}x" if known["restarts"] else ""
        lines.append(f"  {name:<16} {known['pid'] or '-':>8}  {known['state']}{restarts}")
    return lines, True
