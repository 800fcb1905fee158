"""Catalog's events: the read models of tracks, artists and albums."""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy.orm import Session

from common.erasure import is_erased
from common.events import Event, Projection, Subscriptions, apply_version
from playlist.models import Album, Artist, Track

subscriptions = Subscriptions()


class CreditData(BaseModel):
    """Who did what on a track."""

    artist_id: str
    role: str


class Owned(Event):
    """The state of what is a user's."""

    owner_id: str


class TrackChanged(Owned):
    """A track's state."""

    title: str
    album_id: str | None = None
    credits: Sequence[CreditData] = ()
    duration_ms: int | None = None
    state: str


class ArtistChanged(Owned):
    """An artist's state."""

    name: str


class AlbumChanged(Owned):
    """An album's state."""

    title: str


@subscriptions.on("catalog.track.published.v1", TrackChanged)
@subscriptions.on("catalog.track.updated.v1", TrackChanged)
def mirror_track(session: Session, event: TrackChanged) -> None:
    """Keep the track as it is now."""
    _mirror(session, Track, event)


@subscriptions.on("catalog.track.deleted.v1", Event)
def bury_track(session: Session, event: Event) -> None:
    """Keep only that the track is gone: entries stay, marked as unavailable."""
    apply_version(session, Track, event, Track.NOTHING, deleted=True)


@subscriptions.on("catalog.artist.published.v1", ArtistChanged)
@subscriptions.on("catalog.artist.updated.v1", ArtistChanged)
def mirror_artist(session: Session, event: ArtistChanged) -> None:
    """Keep the artist's name."""
    _mirror(session, Artist, event)


@subscriptions.on("catalog.artist.deleted.v1", Event)
def bury_artist(session: Session, event: Event) -> None:
    """Keep only that the artist is gone."""
    apply_version(session, Artist, event, Artist.NOTHING, deleted=True)


@subscriptions.on("catalog.album.published.v1", AlbumChanged)
@subscriptions.on("catalog.album.updated.v1", AlbumChanged)
def mirror_album(session: Session, event: AlbumChanged) -> None:
    """Keep the album's title."""
    _mirror(session, Album, event)


@subscriptions.on("catalog.album.deleted.v1", Event)
def bury_album(session: Session, event: Event) -> None:
    """Keep only that the album is gone."""
    apply_version(session, Album, event, Album.NOTHING, deleted=True)


def _mirror(session: Session, model: type[Projection], event: Owned) -> None:
    # Of a user who is gone it would stay if catalog's deletion never came.
    if not is_erased(session, event.owner_id):
        apply_version(session, model, event, event.model_dump(exclude={"id", "version"}))
