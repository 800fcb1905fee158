"""Assets that are described, ready, failed or gone; in any order, the newest version counts."""

from uuid import UUID

from pydantic import BaseModel, PositiveInt
from sqlalchemy.orm import Session

from catalog.models import Asset
from catalog.services.recordings import (
    Labels,
    Recording,
    draft_track,
    fail_track,
    publish_track,
    refuse_recording,
    remove_recording,
)
from common.erasure import is_erased
from common.events import Envelope, Event, Subscriptions, apply_version

subscriptions = Subscriptions()


class Tags(BaseModel):
    """What a file or its uploader says of it."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    track_number: int | None = None
    disc_number: int | None = None
    year: int | None = None
    genres: list[str] | None = None
    lyrics: str | None = None


class Cover(BaseModel):
    """The picture inside the file."""

    url: str


class Loudness(BaseModel):
    """What was measured: LUFS, dBTP, LU."""

    integrated_lufs: float | None = None
    true_peak_dbtp: float | None = None
    range_lu: float | None = None


class AssetEvent(Event):
    """The full state of an asset."""

    owner_id: str
    filename: str | None = None
    tags: Tags | None = None
    metadata: Tags | None = None
    cover: Cover | None = None
    duration_ms: int | None = None
    loudness: Loudness | None = None
    failure: str | None = None


class _Subject(BaseModel):
    """What an envelope is about, however little its data makes sense."""

    asset_id: UUID
    version: PositiveInt


@subscriptions.on("media.asset.described.v1", AssetEvent)
def draft(session: Session, event: AssetEvent) -> None:
    """Make a draft of the track."""
    if _is_news(session, event):
        draft_track(session, _recording(event, described=True))


def refuse(session: Session, dead: Envelope) -> None:
    """End the upload of a recording that was given up; raises ValueError for what is none.

    Only `ready` does that: an upload of which `described` was given up still ends by itself, with
    `ready` or `failed`.
    """
    # From the envelope alone: the data may be what nobody here can read.
    about = _Subject.model_validate(
        {"asset_id": dead.subject.removeprefix("asset/"), "version": dead.sequence}
    )
    refuse_recording(session, str(about.asset_id), about.version)


@subscriptions.on("media.asset.ready.v1", AssetEvent, dead=refuse)
def publish(session: Session, event: AssetEvent) -> None:
    """Publish the track."""
    if _is_news(session, event):
        publish_track(session, _recording(event, described=True))


@subscriptions.on("media.asset.failed.v1", AssetEvent)
def fail(session: Session, event: AssetEvent) -> None:
    """Note on the draft why there is no audio."""
    if _is_news(session, event):
        described = event.tags is not None or event.duration_ms is not None
        failure = event.failure or "The audio could not be prepared."
        fail_track(session, _recording(event, described=described), failure)


@subscriptions.on("media.asset.deleted.v1", AssetEvent)
def delete(session: Session, event: AssetEvent) -> None:
    """Remove the track of an asset that is gone."""
    if _is_news(session, event, deleted=True):
        remove_recording(session, event.id)


def _is_news(session: Session, event: AssetEvent, *, deleted: bool = False) -> bool:
    if is_erased(session, event.owner_id):
        return False
    return apply_version(session, Asset, event, {"owner_id": event.owner_id}, deleted=deleted)


def _recording(event: AssetEvent, *, described: bool) -> Recording:
    loudness = event.loudness or Loudness()
    return Recording(
        asset_id=event.id,
        owner_id=event.owner_id,
        labels=_labels(event) if described else None,
        duration_ms=event.duration_ms,
        integrated_lufs=loudness.integrated_lufs,
        true_peak_dbtp=loudness.true_peak_dbtp,
        range_lu=loudness.range_lu,
    )


def _labels(event: AssetEvent) -> Labels:
    """Join both sources; where the uploader said something, that counts."""
    from_file = (event.tags or Tags()).model_dump()
    from_uploader = (event.metadata or Tags()).model_dump()
    joined = {name: from_uploader[name] or from_file[name] for name in from_file}
    joined["genres"] = joined["genres"] or ()
    cover_url = event.cover.url if event.cover else None
    return Labels(filename=event.filename or "", cover_url=cover_url, **joined)
