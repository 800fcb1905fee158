"""Writing lyrics."""

import re

from sqlalchemy.orm import Session

from catalog.events import TrackUpdated, track_event
from catalog.models import Lyrics, Track
from catalog.services.access import find_to_edit
from catalog.services.changes import record
from common.auth import Identity
from common.errors import FieldError, Invalid

_TIMED_LINE = re.compile(r"^\[\d{1,3}:[0-5]\d(?:[.:]\d{1,3})?\]", re.MULTILINE)
# No bracket inside: else "[[[[…" would cost the square of its length.
_BRACKETED = re.compile(r"[\[<][^\[<\]>\n]*[\]>]")


def write_lyrics(
    session: Session, editor: Identity, track_id: str, *, plain: str | None, synced: str | None
) -> Lyrics:
    """Replace a track's lyrics; the plain text is taken from the synced one when absent.

    Raises Invalid when `synced` is not LRC: lines that begin with `[mm:ss.xx]`.
    """
    if synced is not None and not _TIMED_LINE.search(synced):
        raise Invalid(
            "Synced lyrics must be LRC text: lines that begin with a time such as [00:12.50].",
            [FieldError("synced", "no line begins with a time")],
        )
    track = find_to_edit(session, Track, track_id, editor)
    text = plain if plain is not None else strip_times(synced or "")
    lyrics = session.merge(Lyrics(track_id=track.id, plain=text, synced=synced))
    _mark(session, track, has_lyrics=True)
    return lyrics


def delete_lyrics(session: Session, editor: Identity, track_id: str) -> None:
    """Remove a track's lyrics, if it has any."""
    track = find_to_edit(session, Track, track_id, editor)
    lyrics = session.get(Lyrics, track.id)
    if lyrics is not None:
        session.delete(lyrics)
        _mark(session, track, has_lyrics=False)


def strip_times(synced: str) -> str:
    """Return the words of LRC text without times and headers such as `[ar:…]`."""
    lines = [_BRACKETED.sub("", line).strip() for line in synced.splitlines()]
    return "\n".join(lines).strip()


def _mark(session: Session, track: Track, *, has_lyrics: bool) -> None:
    track.has_lyrics = has_lyrics
    track.change()
    record(session, track_event(TrackUpdated, track))
