"""What catalog tells the other services: the full state of artists, albums and tracks."""

from datetime import date, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from catalog.models import Album, Artist, Role, Track, TrackState
from common.events import Event


class _ArtistEvent(Event):
    subject_kind: ClassVar = "artist"
    data_of: ClassVar[str | None] = "owner_id"

    owner_id: str
    """The user whose artist it is."""
    name: str
    """As credits show it."""
    image_url: str | None
    """A picture; null when there is none."""
    updated_at: datetime
    """When it last changed."""


class ArtistPublished(_ArtistEvent):
    """An artist became visible to everybody."""

    event_type: ClassVar = "catalog.artist.published.v1"


class ArtistUpdated(_ArtistEvent):
    """An artist changed."""

    event_type: ClassVar = "catalog.artist.updated.v1"


class ArtistDeleted(_ArtistEvent):
    """An artist is gone; what it was is no longer told."""

    event_type: ClassVar = "catalog.artist.deleted.v1"
    data_of: ClassVar = None


class _AlbumEvent(Event):
    subject_kind: ClassVar = "album"
    data_of: ClassVar[str | None] = "owner_id"

    owner_id: str
    """The user whose album it is."""
    title: str
    """As lists show it."""
    artist_ids: list[str]
    """Whose album it is, main artist first."""
    release_date: date | None
    """The first of January when only the year is known; null when nothing is."""
    cover_url: str | None
    """A picture; null when there is none."""
    updated_at: datetime
    """When it last changed."""


class AlbumPublished(_AlbumEvent):
    """An album became visible to everybody."""

    event_type: ClassVar = "catalog.album.published.v1"


class AlbumUpdated(_AlbumEvent):
    """An album changed."""

    event_type: ClassVar = "catalog.album.updated.v1"


class AlbumDeleted(_AlbumEvent):
    """An album is gone; what it was is no longer told."""

    event_type: ClassVar = "catalog.album.deleted.v1"
    data_of: ClassVar = None


class TrackCredit(BaseModel):
    """An artist's part in a track."""

    model_config = ConfigDict(frozen=True)

    artist_id: str
    """Who it was."""
    role: Role
    """What the artist did."""


class _TrackEvent(Event):
    subject_kind: ClassVar = "track"
    data_of: ClassVar[str | None] = "owner_id"

    owner_id: str
    """The user whose track it is."""
    asset_id: str | None
    """Media's asset with the audio; null for a track without any."""
    title: str
    """As lists show it."""
    album_id: str | None
    """The album it is on; null for a single."""
    credits: list[TrackCredit]
    """Who plays on it, main artist first."""
    track_number: int | None
    """Its place on the disc, from 1; null when unknown."""
    disc_number: int | None
    """The disc it is on, from 1; null when unknown."""
    duration_ms: int | None
    """Milliseconds; null until the audio has been read."""
    genres: list[str]
    """Names, in the owner's order."""
    downloadable: bool
    """Whether listeners may keep the file."""
    has_audio: bool
    """Whether its audio can be played: catalog has taken the asset over."""
    state: TrackState
    """Who may see it: `draft` and `hidden` only its owner and administrators."""
    published_at: datetime | None
    """When everybody could first see it; null until then."""
    updated_at: datetime
    """When it last changed."""


class TrackPublished(_TrackEvent):
    """A track became visible to everybody."""

    event_type: ClassVar = "catalog.track.published.v1"


class TrackUpdated(_TrackEvent):
    """A track was drafted, changed or hidden: `state` says who may see it."""

    event_type: ClassVar = "catalog.track.updated.v1"


class TrackDeleted(_TrackEvent):
    """A track is gone; what it was is no longer told."""

    event_type: ClassVar = "catalog.track.deleted.v1"
    data_of: ClassVar = None


class AssetRefused(Event):
    """Catalog gave up on media's asset `id` as it was at `version`: it does not become a track."""

    event_type: ClassVar = "catalog.asset.refused.v1"
    subject_kind: ClassVar = "asset"

    reason: str
    """Why, in words for the uploader."""


class UserDataErased(Event):
    """Nothing of the user `id` remains in catalog."""

    event_type: ClassVar = "catalog.user_data.erased.v1"
    subject_kind: ClassVar = "user"

    service: str
    """Who erased it."""
    rows: int
    """How many rows there were."""
    erased_at: datetime
    """When it was done."""


ArtistEvent = ArtistPublished | ArtistUpdated
AlbumEvent = AlbumPublished | AlbumUpdated
TrackEvent = TrackPublished | TrackUpdated


def artist_event(kind: type[ArtistEvent], artist: Artist) -> ArtistEvent:
    """Return the artist's state as an event of `kind`."""
    return kind(
        id=artist.id,
        version=artist.version,
        owner_id=artist.owner_id,
        name=artist.name,
        image_url=artist.image_url,
        updated_at=artist.updated_at,
    )


def artist_gone(artist: Artist) -> ArtistDeleted:
    """Return the event of a deleted artist, with nothing of what it was."""
    return ArtistDeleted(
        id=artist.id,
        version=artist.version,
        owner_id=artist.owner_id,
        name="",
        image_url=None,
        updated_at=artist.updated_at,
    )


def album_event(kind: type[AlbumEvent], album: Album) -> AlbumEvent:
    """Return the album's state as an event of `kind`."""
    return kind(
        id=album.id,
        version=album.version,
        owner_id=album.owner_id,
        title=album.title,
        artist_ids=[album.artist_id],
        release_date=album.release_date,
        cover_url=album.cover_url,
        updated_at=album.updated_at,
    )


def album_gone(album: Album) -> AlbumDeleted:
    """Return the event of a deleted album, with nothing of what it was."""
    return AlbumDeleted(
        id=album.id,
        version=album.version,
        owner_id=album.owner_id,
        title="",
        artist_ids=[],
        release_date=None,
        cover_url=None,
        updated_at=album.updated_at,
    )


def track_event(kind: type[TrackEvent], track: Track) -> TrackEvent:
    """Return the track's state as an event of `kind`."""
    return kind(
        id=track.id,
        version=track.version,
        owner_id=track.owner_id,
        asset_id=track.asset_id,
        title=track.title,
        album_id=track.album_id,
        credits=[TrackCredit(artist_id=c.artist_id, role=Role(c.role)) for c in track.credits],
        track_number=track.track_number,
        disc_number=track.disc_number,
        duration_ms=track.duration_ms,
        genres=list(track.genres),
        downloadable=track.downloadable,
        has_audio=track.has_audio,
        state=TrackState(track.state),
        published_at=track.published_at,
        updated_at=track.updated_at,
    )


def track_gone(track: Track) -> TrackDeleted:
    """Return the event of a deleted track, with nothing of what it was."""
    return TrackDeleted(
        id=track.id,
        version=track.version,
        owner_id=track.owner_id,
        asset_id=track.asset_id,
        title="",
        album_id=None,
        credits=[],
        track_number=None,
        disc_number=None,
        duration_ms=None,
        genres=[],
        downloadable=False,
        has_audio=False,
        state=TrackState(track.state),
        published_at=None,
        updated_at=track.updated_at,
    )
