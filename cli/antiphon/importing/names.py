"""Showing the names of files and numbers of bytes."""

from pathlib import Path

from antiphon.client.multipart import printable_name


def shown(path: Path, folder: Path) -> str:
    """Return a path below the folder as one line that no terminal acts upon."""
    relative = path.relative_to(folder) if path.is_relative_to(folder) else path
    text = printable_name(str(relative))
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def size_text(count: float) -> str:
    """Return a number of bytes for people (powers of 1000)."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
