"""Finding and running ffmpeg."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_TIME_LIMIT_SECONDS = 120


class EncodingError(Exception):
    """ffmpeg is missing or refused its work."""


def find_ffmpeg() -> str:
    """Return the path of ffmpeg: the one in PATH, else the wheel's; EncodingError if neither."""
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise EncodingError(
            "No ffmpeg found: install it (apt install ffmpeg, brew install ffmpeg) "
            "or the Python package imageio-ffmpeg."
        ) from error


def run_ffmpeg(arguments: Sequence[str | Path], stdin: bytes | None = None) -> str:
    """Run ffmpeg to its end and return what it reports; EncodingError with its last words."""
    command = [find_ffmpeg(), "-hide_banner", "-nostats", "-y", *map(str, arguments)]
    try:
        done = subprocess.run(  # noqa: S603 - a list, no shell, our own arguments
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=_TIME_LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EncodingError(f"ffmpeg did not do its work: {error}") from error
    report = done.stderr.decode(errors="replace")
    if done.returncode != 0:
        raise EncodingError("ffmpeg failed: " + " / ".join(report.splitlines()[-3:]))
    return report
