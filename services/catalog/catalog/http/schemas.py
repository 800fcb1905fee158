"""Bodies and parameters of catalog's requests and responses."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from catalog.models import TEXT_LENGTH, Role, TrackState, fold
from catalog.queries.albums import AlbumSort
from catalog.queries.artists import ArtistSort
from catalog.queries.search import Kind
from catalog.queries.tracks import TrackSort
from catalog.services.credits import CreditSpec
from common.web import PageQuery, Schema


def _show_something(name: str) -> str:
    if not fold(name) or any(not (c.isprintable() or c.isspace()) for c in name):
        raise ValueError("must have visible characters and no control characters")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LENGTH),
    AfterValidator(_show_something),
]
GenreName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_show_something),
]
Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https?://|/)[\x21-\x7e]+$")]
Owner = UUID | Literal["me"]
Words = Annotated[str, StringConstraints(max_length=50_000, pattern=r"^[^\x00]*$")]


class ArtistPath(Schema):
    """The artist a path names."""

    artist_id: UUID


class AlbumPath(Schema):
    """The album a path names."""

    album_id: UUID


class TrackPath(Schema):
    """The track a path names."""

    track_id: UUID


class GenrePath(Schema):
    """The genre a path names."""

    genre_id: UUID


class OwnedQuery(PageQuery):
    """A list that can be narrowed to an owner."""

    owner_id: Owner | None = Field(
        None, description="A user's id; `me` also shows what only you may see."
    )


class ArtistQuery(OwnedQuery):
    """Which artists, in which order."""

    sort: ArtistSort = "name"


class AlbumQuery(OwnedQuery):
    """Which albums, in which order."""

    artist_id: UUID | None = None
    sort: AlbumSort = "title"


class TrackQuery(OwnedQuery):
    """Which tracks, in which order; `album` is by disc and track number."""

    artist_id: UUID | None = None
    album_id: UUID | None = None
    genre: str | None = Field(None, max_length=100, description="A name; case does not matter.")
    state: TrackState | None = Field(None, description="Only with `owner_id=me`.")
    sort: TrackSort = "title"

    @model_validator(mode="after")
    def _states_are_private(self) -> "TrackQuery":
        if self.state is not None and self.owner_id != "me":
            raise ValueError("state can only be asked for with owner_id=me")
        return self


class ChartQuery(Schema):
    """How much of a chart."""

    limit: int = Field(50, ge=1, le=200)


class SearchQuery(Schema):
    """What to look for."""

    q: str = Field(max_length=200, description="Words; the last one may be unfinished.")
    types: str = Field(
        "track,album,artist",
        pattern=r"^(track|album|artist)(,(track|album|artist))*$",
        description="Comma-separated: `track`, `album`, `artist`.",
    )
    limit: int = Field(20, ge=1, le=50, description="Results of each type.")

    @property
    def kinds(self) -> list[Kind]:
        """The types asked for."""
        asked = self.types.split(",")
        every: tuple[Kind, ...] = ("track", "album", "artist")
        return [kind for kind in every if kind in asked]


class Change(Schema):
    """A partial change: what is absent stays, null empties what can be empty."""

    never_null: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="after")
    def _refuse_null(self) -> "Change":
        for name in sorted(self.never_null & self.model_fields_set):
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null; leave it out to keep it")
        return self

    def given(self) -> dict[str, Any]:
        """Return what was sent, ids as text."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


class ArtistIn(Schema):
    """A new artist."""

    name: Name
    image_url: Url | None = None


class ArtistChange(Change):
    """What to change of an artist; what is absent stays."""

    never_null = frozenset({"name"})

    name: Name | None = None
    image_url: Url | None = None


class AlbumIn(Schema):
    """A new album."""

    title: Name
    artist_id: UUID
    release_date: date | None = None
    cover_url: Url | None = None


class AlbumChange(Change):
    """What to change of an album; what is absent stays."""

    never_null = frozenset({"title", "artist_id"})

    title: Name | None = None
    artist_id: UUID | None = None
    release_date: date | None = None
    cover_url: Url | None = None


class CreditIn(Schema):
    """An artist's part: give `artist_id`, or `name` for the owner's artist of that name."""

    artist_id: UUID | None = None
    name: Name | None = None
    role: Role = Role.PRIMARY

    @model_validator(mode="after")
    def _one_of_both(self) -> "CreditIn":
        if (self.artist_id is None) == (self.name is None):
            raise ValueError("give either artist_id or name")
        return self

    def spec(self) -> CreditSpec:
        """Return it as the use cases take it."""
        artist_id = str(self.artist_id) if self.artist_id else None
        return CreditSpec(self.role, artist_id, self.name)


class TrackChange(Change):
    """What to change of a track; what is absent stays."""

    never_null = frozenset({"title", "credits", "genres", "downloadable", "state"})

    title: Name | None = None
    album_id: UUID | None = None
    credits: Annotated[list[CreditIn], Field(min_length=1, max_length=50)] | None = None
    track_number: Annotated[int, Field(ge=1, le=9999)] | None = None
    disc_number: Annotated[int, Field(ge=1, le=999)] | None = None
    genres: Annotated[list[GenreName], Field(max_length=20)] | None = None
    downloadable: bool | None = None
    cover_url: Url | None = None
    state: Literal[TrackState.PUBLISHED, TrackState.HIDDEN] | None = Field(
        None, description="`hidden` takes it from everybody but you; it needs audio to come back."
    )

    def given(self) -> dict[str, Any]:
        """Return what was sent, credits as the use cases take them."""
        values = super().given()
        if self.credits is not None:
            values["credits"] = [credit.spec() for credit in self.credits]
        return values


class TrackIn(TrackChange):
    """A new track: a draft until an upload gives it audio."""

    title: Name
    state: None = Field(None, exclude=True)


class BulkDelete(Schema):
    """Tracks to delete."""

    track_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]


class LyricsIn(Schema):
    """New lyrics: plain text, LRC text with a time before each line, or both."""

    plain: Words | None = None
    synced: Words | None = None

    @model_validator(mode="after")
    def _not_nothing(self) -> "LyricsIn":
        if not (self.plain or self.synced):
            raise ValueError("give plain or synced text; DELETE removes lyrics")
        return self
