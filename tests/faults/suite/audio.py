"""Short recordings, each different, made by ffmpeg."""

import subprocess
from pathlib import Path

from antiphon.ffmpeg import find_ffmpeg


def tone(path: Path, seed: int, seconds: float = 2, by: str = "oscillator") -> bytes:
    """Make a tone whose pitch follows from `seed`, tagged with it, at `path`; return its bytes."""
    source = f"sine=frequency={110 + seed % 4000}:sample_rate=44100:duration={seconds}"
    tags = {"title": f"Tone {seed} of {by}", "artist": by, "album": f"Sines of {by}"}
    metadata = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
    command = [find_ffmpeg(), "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source]
    subprocess.run([*command, "-ac", "2", *metadata, path], check=True, timeout=60)
    return path.read_bytes()
