"""Catalog's events: the read models of tracks, artists and albums."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from common.events import Event, Subscriptions, apply_version
from playlist.models import Album, Artist, Track

subscriptions = Subscriptions()


class CreditData(BaseModel):
    """Who did what on a track."""

    artist_id: str
    role: str


class TrackChanged(Event):
    """A track's state."""

    owner_id: str
    title: str
    album_id: str | None = None
    credits: Sequence[CreditData] = ()
    duration_ms: int | None = None
    state: str


class ArtistChanged(Event):
    """An artist's state."""

    name: str


class AlbumChanged(Event):
    """An album's state."""

    title: str


@subscriptions.on("catalog.track.published.v1", TrackChanged)
@subscriptions.on("catalog.track.updated.v1", TrackChanged)
def mirror_track(session: Session, event: TrackChanged) -> None:
    """Keep the track as it is now."""
    apply_version(session, Track, event, event.model_dump(exclude={"id", "version"}))


@subscriptions.on("catalog.track.deleted.v1", Event)
def bury_track(session: Session, event: Event) -> None:
    """Keep only that the track is gone: entries stay, marked as unavailable."""
    nothing: dict[str, Any] = {
        "owner_id": "",
        "title": "",
        "album_id": None,
        "credits": [],
        "duration_ms": None,
        "state": "deleted",
    }
    apply_version(session, Track, event, nothing, deleted=True)


@subscriptions.on("catalog.artist.published.v1", ArtistChanged)
@subscriptions.on("catalog.artist.updated.v1", ArtistChanged)
def mirror_artist(session: Session, event: ArtistChanged) -> None:
    """Keep the artist's name."""
    apply_version(session, Artist, event, {"name": event.name})


@subscriptions.on("catalog.artist.deleted.v1", Event)
def bury_artist(session: Session, event: Event) -> None:
    """Keep only that the artist is gone."""
    apply_version(session, Artist, event, {"name": ""}, deleted=True)


@subscriptions.on("catalog.album.published.v1", AlbumChanged)
@subscriptions.on("catalog.album.updated.v1", AlbumChanged)
def mirror_album(session: Session, event: AlbumChanged) -> None:
    """Keep the album's title."""
    apply_version(session, Album, event, {"title": event.title})


@subscriptions.on("catalog.album.deleted.v1", Event)
def bury_album(session: Session, event: Event) -> None:
    """Keep only that the album is gone."""
    apply_version(session, Album, event, {"title": ""}, deleted=True)
