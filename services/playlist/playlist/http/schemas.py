"""Bodies of playlist's requests and responses."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from common.web import Page, Schema
from playlist.models import Visibility

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Position = Annotated[int, Field(ge=0, description="From 0.")]

_LONGEST_PLAY_MS = 24 * 60 * 60 * 1000


def refusal(description: str) -> dict[str, Any]:
    """Return how the OpenAPI document tells of a problem that only some routes answer."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": schema}},
    }


STALE = refusal("The playlist is not at the version that If-Match names.")
FULL = refusal("The playlist would have too many entries.")


class IfMatch(Schema):
    """The precondition of a change (RFC 9110 §13.1.1)."""

    model_config = ConfigDict(extra="ignore")  # every request has other headers too

    if_match: str | None = Field(
        None, alias="If-Match", description="ETag of the playlist: answers 412 if it has changed."
    )


class PlaylistPath(Schema):
    """The playlist a path names."""

    playlist_id: UUID


class EntryPath(PlaylistPath):
    """The entry a path names."""

    entry_id: UUID


class TrackPath(Schema):
    """The track a path names."""

    track_id: UUID


class FirstPageQuery(Schema):
    """How much of a playlist to read along with it."""

    limit: int = Field(50, ge=1, le=200, description="Entries to give; more are at /entries.")


class PlaylistNew(Schema):
    """What it takes to make a playlist."""

    name: Name
    description: Description = ""
    visibility: Visibility = Visibility.PRIVATE


class PlaylistChange(Schema):
    """What may be changed; what is absent or null stays."""

    name: Name | None = None
    description: Description | None = None
    visibility: Visibility | None = None


class PlaylistOut(Schema):
    """A playlist."""

    id: str
    owner_id: str
    name: str
    description: str
    visibility: Visibility
    entry_count: int
    version: int = Field(description="Raised by every change of the playlist or its entries.")
    created_at: datetime
    updated_at: datetime


class PlaylistPage(Page[PlaylistOut]):
    """A page of playlists."""


class ArtistOut(Schema):
    """An artist of a track."""

    id: str
    name: str


class AlbumOut(Schema):
    """The album of a track."""

    id: str
    title: str


class ListedTrack(Schema):
    """A track on a list. One that cannot be played now keeps its place and its id."""

    track_id: str
    available: bool = Field(description="False: deleted, hidden or unknown; the rest is empty.")
    title: str | None
    artists: list[ArtistOut]
    album: AlbumOut | None
    duration_ms: int | None


class EntryOut(ListedTrack):
    """A place on a playlist."""

    id: str
    position: int = Field(description="From 0.")
    added_at: datetime


class EntryPage(Page[EntryOut]):
    """A page of entries."""


class PlaylistWithEntriesOut(PlaylistOut):
    """A playlist with its first entries."""

    entries: list[EntryOut]
    next_cursor: str | None = Field(description="Give it as `cursor` to /entries; null at the end.")


class EntriesNew(Schema):
    """Tracks to add, in this order; the same one may come more than once."""

    track_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]
    position: Position | None = Field(None, description="From 0; at the end when absent.")


class EntriesOut(Schema):
    """The entries that were added."""

    items: list[EntryOut]


class EntryMove(Schema):
    """Where an entry shall be."""

    position: Position


class SavedTrackOut(ListedTrack):
    """A liked track."""

    saved_at: datetime


class SavedTrackPage(Page[SavedTrackOut]):
    """A page of liked tracks."""


class PlayNew(Schema):
    """A listen that has ended."""

    track_id: UUID
    played_ms: int = Field(ge=0, le=_LONGEST_PLAY_MS)
    played_at: AwareDatetime | None = Field(None, description="Now when absent.")
    play_id: UUID | None = Field(None, description="Makes sending it again harmless.")


class PlayOut(Schema):
    """A listen as it was kept."""

    id: str
    track_id: str
    played_ms: int
    played_at: datetime
    counted: bool = Field(description="Whether it was long enough: 30 s or half the track.")


class ListedPlay(ListedTrack):
    """A listen in the history."""

    id: str
    played_ms: int
    played_at: datetime
    counted: bool


class PlayPage(Page[ListedPlay]):
    """A page of the listening history."""
