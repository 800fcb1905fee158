"""The catalog's tracks: which asset may be heard by whom."""

from sqlalchemy.orm import Session

from common.events import Event, Subscriptions
from media.services.tracks import follow_track, forget_track

subscriptions = Subscriptions()


class TrackChanged(Event):
    """What media needs to know of a track."""

    owner_id: str
    asset_id: str | None
    state: str
    downloadable: bool


class TrackDeleted(Event):
    """A track is gone."""


@subscriptions.on("catalog.track.published.v1", TrackChanged)
@subscriptions.on("catalog.track.updated.v1", TrackChanged)
def follow(session: Session, event: TrackChanged) -> None:
    """Keep the read model, and complete the upload that a published track came from."""
    follow_track(session, event, event.model_dump(exclude={"id", "version"}))


@subscriptions.on("catalog.track.deleted.v1", TrackDeleted)
def forget(session: Session, event: TrackDeleted) -> None:
    """Leave a tombstone; the same bytes may be uploaded again."""
    forget_track(session, session.info["storage"], event)
