"""Read tags with tinytag, and from ffmpeg where tinytag knows the format or the tag not."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from tinytag import TinyTag, TinyTagException

from common.logging import get_logger
from media.tags import Tags

log = get_logger(__name__)

_NUMBER = re.compile(r"\d{1,9}")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_NUL_SEPARATED = re.compile(r"[\0;]")
# How ffmpeg names tags in its ffmetadata output, lower case.
_FFMPEG_NAMES = {
    "title": "title", "artist": "artist", "album": "album", "album_artist": "album_artist",
    "track": "track_number", "disc": "disc_number", "date": "year", "year": "year",
    "genre": "genres", "composer": "composer", "lyrics": "lyrics", "isrc": "isrc", "tsrc": "isrc",
}  # fmt: skip


def read_tags(source: Path, ffmetadata: str) -> Tags:
    """Return the tags of `source`; `ffmetadata` is what ffmpeg read. Odd ones are left out."""
    found = _from_ffmetadata(ffmetadata)
    found |= {name: value for name, value in _from_tinytag(source).items() if value}
    return _tolerant({name: value for name, value in found.items() if value})


def _from_tinytag(source: Path) -> dict[str, Any]:
    try:
        tag = TinyTag.get(source, duration=False)
    except (TinyTagException, OSError) as error:
        log.info("tags_unread", error=repr(error))
        return {}
    other: Mapping[str, list[str]] = tag.other
    genres = [part for text in (tag.genre, *other.get("genre", ())) for part in _split(text)]
    return {
        "title": tag.title,
        "artist": tag.artist,
        "album": tag.album,
        "album_artist": tag.albumartist,
        "track_number": tag.track,
        "disc_number": tag.disc,
        "year": _year(tag.year),
        "genres": genres,
        "composer": tag.composer,
        "lyrics": next(iter(other.get("lyrics", ())), None),
        "isrc": next(iter(other.get("isrc", ())), None),
    }


def _from_ffmetadata(text: str) -> dict[str, Any]:
    """Read the global section of ffmpeg's ffmetadata format (`\\` escapes `=;#\\` and newline)."""
    section = re.split(r"(?m)^\[", text.replace("\\\n", "\0"), maxsplit=1)[0]
    found: dict[str, Any] = {}
    for line in section.splitlines():
        key, separator, value = re.sub(r"\\(.)", r"\1", line).partition("=")
        name = _FFMPEG_NAMES.get(key.lower())
        if separator and name:
            found.setdefault(name, _typed(name, value.replace("\0", "\n")))
    return found


def _typed(name: str, value: str) -> Any:
    if name == "genres":
        return _split(value)
    if name == "year":
        return _year(value)
    if name in ("track_number", "disc_number"):
        number = _NUMBER.search(value)
        return int(number.group()) if number else None
    return value


def _split(text: str | None) -> list[str]:
    return [part.strip() for part in _NUL_SEPARATED.split(text or "") if part.strip()]


def _year(text: str | None) -> int | None:
    match = _YEAR.search(text or "")
    return int(match.group()) if match else None


def _tolerant(found: dict[str, Any]) -> Tags:
    """Build tags, leaving out the fields that are refused: a bad tag must not cost a track."""
    try:
        return Tags.model_validate(found)
    except ValidationError as error:
        refused = {problem["loc"][0] for problem in error.errors()}
        return Tags.model_validate({k: v for k, v in found.items() if k not in refused})
