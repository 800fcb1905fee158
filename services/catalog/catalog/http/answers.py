"""Bodies of catalog's responses."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from catalog.models import Role, TrackState
from common.web import Page, Schema


class SubjectOut(Schema):
    """What artists, albums and tracks have in common."""

    id: str
    version: int = Field(description="Counts the changes.")
    owner_id: str
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime


class ArtistOut(SubjectOut):
    """An artist."""

    name: str
    image_url: str | None


class NamedArtist(Schema):
    """An artist as others name it."""

    id: str
    name: str


class AlbumOut(SubjectOut):
    """An album."""

    title: str
    artist: NamedArtist
    release_date: date | None
    cover_url: str | None
    track_count: int


class NamedAlbum(Schema):
    """The album a track is on."""

    id: str
    title: str


class CreditOut(Schema):
    """An artist's part in a track."""

    artist_id: str
    name: str
    role: Role


class LoudnessOut(Schema):
    """Loudness as EBU R 128 measures it."""

    integrated_lufs: float | None
    true_peak_dbtp: float | None
    range_lu: float | None


class TrackOut(SubjectOut):
    """A track."""

    asset_id: str | None
    state: TrackState
    title: str
    credits: list[CreditOut]
    album: NamedAlbum | None
    track_number: int | None
    disc_number: int | None
    duration_ms: int | None
    loudness: LoudnessOut | None
    genres: list[str]
    downloadable: bool
    cover_url: str | None
    lyrics_url: str | None
    failure: str | None = Field(description="Why there is no audio.")


class GenreOut(Schema):
    """A genre and how many published tracks are of it."""

    id: str
    name: str
    track_count: int


class ArtistPage(Page[ArtistOut]):
    """A page of artists."""


class AlbumPage(Page[AlbumOut]):
    """A page of albums."""


class TrackPage(Page[TrackOut]):
    """A page of tracks."""


class GenrePage(Page[GenreOut]):
    """A page of genres."""


class ArtistDetail(ArtistOut):
    """An artist with the first page of albums; the cursor goes to `/albums?artist_id=`."""

    albums: AlbumPage


class AlbumDetail(AlbumOut):
    """An album with its tracks; a cursor goes to `/tracks?album_id=…&sort=album`."""

    tracks: TrackPage


class GenreDetail(GenreOut):
    """A genre with the first page of tracks; the cursor goes to `/tracks?genre=`."""

    tracks: TrackPage


class LyricsOut(Schema):
    """The words of a track; `synced` is LRC."""

    track_id: str
    plain: str
    synced: str | None
    updated_at: datetime


class SearchOut(Schema):
    """The best matches of each type, best first."""

    tracks: list[TrackOut]
    albums: list[AlbumOut]
    artists: list[ArtistOut]


class ChartEntry(Schema):
    """A place in a chart."""

    position: int
    plays: int
    track: TrackOut


class Chart(Schema):
    """A chart; plays show within a minute."""

    items: list[ChartEntry]


class Deletion(Schema):
    """What became of one track."""

    track_id: str
    status: Literal["deleted", "not_found", "forbidden"]


class Deletions(Schema):
    """What became of each track."""

    results: list[Deletion]
