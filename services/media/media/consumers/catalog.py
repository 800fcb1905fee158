"""The catalog's tracks: which asset may be heard by whom."""

from sqlalchemy.orm import Session

from common.events import Event, Subscriptions
from media.services.tracks import follow_track, forget_track, refuse_upload

subscriptions = Subscriptions()


class TrackChanged(Event):
    """What media needs to know of a track."""

    owner_id: str
    asset_id: str | None
    state: str
    downloadable: bool
    has_audio: bool = False


class AssetRefused(Event):
    """The catalog gave up on an asset at a version."""

    reason: str


class TrackDeleted(Event):
    """A track is gone, and with it what its audio came from."""

    owner_id: str
    asset_id: str | None


@subscriptions.on("catalog.track.published.v1", TrackChanged)
@subscriptions.on("catalog.track.updated.v1", TrackChanged)
def follow(session: Session, event: TrackChanged) -> None:
    """Keep the read model, and complete the upload that the track came from."""
    values = event.model_dump(exclude={"id", "version", "has_audio"})
    # Published means so, too: it is what was said before there was a word for it.
    has_audio = event.has_audio or event.state == "published"
    follow_track(session, event, values, has_audio=has_audio)


@subscriptions.on("catalog.asset.refused.v1", AssetRefused)
def refuse(session: Session, event: AssetRefused) -> None:
    """End the upload that the catalog cannot take."""
    refuse_upload(session, event, event.reason)


@subscriptions.on("catalog.track.deleted.v1", TrackDeleted)
def forget(session: Session, event: TrackDeleted) -> None:
    """Leave a tombstone; the same bytes may be uploaded again."""
    forget_track(session, event, event.owner_id, event.asset_id)
