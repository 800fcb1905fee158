"""Who is credited on a track: read from tags, or given by id or name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from catalog.models import Artist, Credit, Role, fold
from catalog.services.albums import own_artist
from catalog.services.artists import find_or_create_artist

UNKNOWN_ARTIST = "Unknown Artist"

_FEATURING = re.compile(r"\s+[(\[]?(?:feat\.?|ft\.?|featuring)\s+", re.IGNORECASE)
# Only what never is part of a name: "Earth, Wind & Fire" is one artist, "A; B" are two.
_BETWEEN_PRIMARIES = re.compile(r"\s*;\s*|\s+/\s+")
_BETWEEN_GUESTS = re.compile(r"\s*[;,]\s*|\s+&\s+")


@dataclass(frozen=True)
class CreditSpec:
    """A credit as somebody gave it: an artist's id, or else a name."""

    role: Role = Role.PRIMARY
    artist_id: str | None = None
    name: str | None = None


def read_artist_tag(text: str | None) -> list[CreditSpec]:
    """Split "A; B feat. C & D" into two primary and two featured credits."""
    primary, *rest = _FEATURING.split((text or "").strip(), maxsplit=1)
    specs = [CreditSpec(Role.PRIMARY, name=name) for name in _split(_BETWEEN_PRIMARIES, primary)]
    guests = rest[0].rstrip(")] ") if rest else ""
    specs += [CreditSpec(Role.FEATURED, name=name) for name in _split(_BETWEEN_GUESTS, guests)]
    if not any(spec.role is Role.PRIMARY for spec in specs):
        specs.insert(0, CreditSpec(name=UNKNOWN_ARTIST))
    return specs


def make_credits(session: Session, owner_id: str, specs: Iterable[CreditSpec]) -> list[Credit]:
    """Return the credits in order, each artist once a role; names become the owner's artists.

    Raises Invalid for an id that is not an artist of the owner.
    """
    named: dict[tuple[str, Role], Artist] = {}
    for spec in specs:
        artist = (
            own_artist(session, owner_id, spec.artist_id)
            if spec.artist_id
            else find_or_create_artist(session, owner_id, spec.name or UNKNOWN_ARTIST)
        )
        named.setdefault((artist.id, spec.role), artist)
    return [
        Credit(position=position, artist_id=artist_id, artist=artist, role=role)
        for position, ((artist_id, role), artist) in enumerate(named.items())
    ]


def _split(separators: re.Pattern[str], text: str) -> Sequence[str]:
    names = {fold(name): name for name in reversed(separators.split(text)) if fold(name)}
    return list(reversed(names.values()))
