"""What catalog tells the other services: the full state of artists, albums and tracks."""

from datetime import date, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from catalog.models import Album, Artist, Role, Track, TrackState
from common.events import Event


class _ArtistEvent(Event):
    subject_kind: ClassVar = "artist"

    owner_id: str
    name: str
    image_url: str | None
    updated_at: datetime


class ArtistPublished(_ArtistEvent):
    """An artist became visible to everybody."""

    event_type: ClassVar = "catalog.artist.published.v1"


class ArtistUpdated(_ArtistEvent):
    """An artist changed."""

    event_type: ClassVar = "catalog.artist.updated.v1"


class ArtistDeleted(_ArtistEvent):
    """An artist is gone."""

    event_type: ClassVar = "catalog.artist.deleted.v1"


class _AlbumEvent(Event):
    subject_kind: ClassVar = "album"

    owner_id: str
    title: str
    artist_ids: list[str]
    release_date: date | None
    cover_url: str | None
    updated_at: datetime


class AlbumPublished(_AlbumEvent):
    """An album became visible to everybody."""

    event_type: ClassVar = "catalog.album.published.v1"


class AlbumUpdated(_AlbumEvent):
    """An album changed."""

    event_type: ClassVar = "catalog.album.updated.v1"


class AlbumDeleted(_AlbumEvent):
    """An album is gone."""

    event_type: ClassVar = "catalog.album.deleted.v1"


class TrackCredit(BaseModel):
    """An artist's part in a track."""

    model_config = ConfigDict(frozen=True)

    artist_id: str
    role: Role


class _TrackEvent(Event):
    subject_kind: ClassVar = "track"

    owner_id: str
    asset_id: str | None
    title: str
    album_id: str | None
    credits: list[TrackCredit]
    track_number: int | None
    disc_number: int | None
    duration_ms: int | None
    genres: list[str]
    downloadable: bool
    state: TrackState
    published_at: datetime | None
    updated_at: datetime


class TrackPublished(_TrackEvent):
    """A track became visible to everybody."""

    event_type: ClassVar = "catalog.track.published.v1"


class TrackUpdated(_TrackEvent):
    """A track was drafted, changed or hidden: `state` says who may see it."""

    event_type: ClassVar = "catalog.track.updated.v1"


class TrackDeleted(_TrackEvent):
    """A track is gone."""

    event_type: ClassVar = "catalog.track.deleted.v1"


class UserDataErased(Event):
    """Nothing of the user `id` remains in catalog."""

    event_type: ClassVar = "catalog.user_data.erased.v1"
    subject_kind: ClassVar = "user"

    service: str
    rows: int
    erased_at: datetime


ArtistEvent = ArtistPublished | ArtistUpdated | ArtistDeleted
AlbumEvent = AlbumPublished | AlbumUpdated | AlbumDeleted
TrackEvent = TrackPublished | TrackUpdated | TrackDeleted


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
        state=TrackState(track.state),
        published_at=track.published_at,
        updated_at=track.updated_at,
    )
