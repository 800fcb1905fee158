"""What the tags in a file, or its uploader, say about a recording; both are untrusted."""

import unicodedata
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_TEXT = 500
MAX_LYRICS = 50_000
MAX_GENRES = 20
_KEPT_CONTROLS = "\n\t"


def clean_text(value: object, cap: int = MAX_TEXT, *, multiline: bool = False) -> object:
    """Return text in NFC without control characters, at most `cap` long; None when nothing is left.

    Anything but text is returned as it is, for the validator to refuse.
    """
    if not isinstance(value, str):
        return value
    kept = _KEPT_CONTROLS if multiline else ""
    text = "".join(
        character if character in kept or not _is_control(character) else " "
        for character in value.replace("\r\n", "\n")[: cap * 2]
    )
    if not multiline:
        text = " ".join(text.split())
    return unicodedata.normalize("NFC", text).strip()[:cap].strip() or None


def _is_control(character: str) -> bool:
    # Cs: a lone surrogate cannot be stored as UTF-8. Co, Cn and Cf are left alone but for the
    # ones that turn the direction of all text after them.
    return (
        unicodedata.category(character) in ("Cc", "Cs") or character in "\u202a\u202b\u202d\u202e"
    )


def _clean_lyrics(value: object) -> object:
    return clean_text(value, MAX_LYRICS, multiline=True)


def _clean_isrc(value: object) -> object:
    cleaned = clean_text(value, 64)
    return cleaned.replace("-", "").upper()[:12] if isinstance(cleaned, str) else cleaned


def _clean_genres(value: object) -> object:
    if not isinstance(value, list | tuple):
        return value
    if not all(isinstance(item, str | None) for item in value):
        return value
    cleaned = [clean_text(item, 100) for item in value]
    return tuple(dict.fromkeys(item for item in cleaned if item is not None))[:MAX_GENRES]


Text = Annotated[str | None, BeforeValidator(clean_text)]


class Tags(BaseModel):
    """The tags of one recording; every field may be missing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: Text = None
    """Of the recording."""
    artist: Text = None
    """Who plays, as one text."""
    album: Text = None
    """The album's title."""
    album_artist: Text = None
    """Whose album it is, where that is not the track's artist."""
    track_number: int | None = Field(None, ge=1, le=9999)
    """Its place on the disc."""
    disc_number: int | None = Field(None, ge=1, le=999)
    """The disc it is on."""
    year: int | None = Field(None, ge=1, le=9999)
    """When it was released."""
    genres: Annotated[tuple[str, ...], BeforeValidator(_clean_genres)] = ()
    """Names; empty when none is given."""
    composer: Text = None
    """Who wrote the music."""
    lyrics: Annotated[str | None, BeforeValidator(_clean_lyrics)] = None
    """The words, with line breaks."""
    isrc: Annotated[str | None, BeforeValidator(_clean_isrc)] = None
    """The International Standard Recording Code, without hyphens."""
