"""Finding the audio files below a folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

AUDIO_EXTENSIONS = frozenset(
    {".aac", ".aif", ".aiff", ".alac", ".ape", ".flac", ".m4a", ".mp3"}
    | {".oga", ".ogg", ".opus", ".wav", ".wma", ".wv"}
)


@dataclass(slots=True)
class Findings:
    """What lies below a folder: audio files in order, the number of others, what is unreadable."""

    files: list[Path] = field(default_factory=list)
    ignored: int = 0
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def find_audio(folder: Path) -> Findings:
    """Walk a folder and what its links lead to, each place once; hidden names are passed over."""
    findings = Findings()
    for path in _walk(folder, findings):
        if path.suffix.lower() in AUDIO_EXTENSIONS and path.is_file():
            findings.files.append(path)
        else:
            findings.ignored += 1
    return findings


def _walk(folder: Path, findings: Findings) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()

    def note(error: OSError) -> None:
        findings.unreadable.append((Path(error.filename), error.strerror or str(error)))

    for name, folders, files in os.walk(folder, onerror=note, followlinks=True):
        status = Path(name).stat()
        place = (status.st_dev, status.st_ino)
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        yield from (Path(name, each) for each in sorted(files) if not each.startswith("."))
