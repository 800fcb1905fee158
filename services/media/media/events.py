"""What media tells the other services: every asset event carries the whole asset."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel
from sqlalchemy.orm import Session

from common.events import Event, emit
from media.models import Upload
from media.tags import Tags


class Cover(BaseModel):
    """The cover found in the file; the URL is public and its content never changes."""

    url: str
    """A path below the address of Antiphon."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    media_type: str
    """For example `image/jpeg`."""


class LoudnessData(BaseModel):
    """EBU R128 figures in LUFS, dBTP and LU."""

    integrated_lufs: float
    """How loud it is as a whole, in LUFS."""
    true_peak_dbtp: float
    """The highest true peak, in dBTP."""
    range_lu: float
    """The loudness range, in LU."""


class RenditionData(BaseModel):
    """One encoded version."""

    bitrate_kbps: int
    """Kilobits a second."""
    codec: str
    """For example `aac`."""


class _AssetEvent(Event):
    subject_kind: ClassVar = "asset"
    data_of: ClassVar[str | None] = "owner_id"

    owner_id: str
    """The user who uploaded it."""
    upload_id: str
    """The upload that it came from."""
    state: str
    """The last stage that was finished: `received`, `described`, `ready`, `failed`, `deleted`."""
    sha256: str
    """Of the original's bytes, in hexadecimal."""
    size_bytes: int
    """Of the original."""
    media_type: str
    """Of the original, as its bytes say."""
    filename: str | None
    """As the uploader calls it, without a path; null when it has no name."""
    tags: Tags | None
    """What the file says of itself; null until it has been read."""
    metadata: Tags
    """What the uploader says of it; it wins over `tags`."""
    cover: Cover | None
    """Null when the file has none, or until it has been read."""
    duration_ms: int | None
    """Milliseconds; null until the file has been read."""
    loudness: LoudnessData | None
    """Null until it has been measured, and for silence."""
    renditions: list[RenditionData]
    """The encoded versions; empty until there are any."""
    failure: str | None
    """Why it cannot become a track, in words for its owner; null unless `failed`."""
    created_at: datetime
    """When the original was received."""
    updated_at: datetime
    """When the asset last changed."""


class AssetReceived(_AssetEvent):
    """An original arrived and is stored."""

    event_type: ClassVar = "media.asset.received.v1"


class AssetDescribed(_AssetEvent):
    """The file was decoded once: duration, tags and cover are known."""

    event_type: ClassVar = "media.asset.described.v1"


class AssetReady(_AssetEvent):
    """The renditions can be streamed; loudness and waveform are measured."""

    event_type: ClassVar = "media.asset.ready.v1"


class AssetFailed(_AssetEvent):
    """The file will not become a track; `failure` says why."""

    event_type: ClassVar = "media.asset.failed.v1"


class AssetDeleted(_AssetEvent):
    """The asset is gone and its files are going; what it was is no longer told."""

    event_type: ClassVar = "media.asset.deleted.v1"
    data_of: ClassVar = None


class UserDataErased(Event):
    """Nothing of the deleted user `id` remains in media."""

    event_type: ClassVar = "media.user_data.erased.v1"
    subject_kind: ClassVar = "user"

    service: str
    """Who erased it."""
    rows: int
    """How many rows there were."""
    erased_at: datetime
    """When it was done."""


def cover_url(asset_id: str, sha256: str) -> str:
    """Return the public path of a cover."""
    return f"/media/images/{asset_id}/{sha256}.jpg"


def emit_asset(session: Session, kind: type[_AssetEvent], upload: Upload) -> None:
    """Publish the asset of `upload` as an event of `kind`."""
    asset, cover = upload.asset, upload.asset.cover
    url = cover_url(asset.id, cover["sha256"]) if cover else ""
    emit(
        session,
        kind(
            id=asset.id,
            version=asset.version,
            owner_id=asset.owner_id,
            upload_id=upload.id,
            state=asset.state,
            sha256=asset.sha256,
            size_bytes=asset.size_bytes,
            media_type=asset.media_type,
            filename=upload.filename,
            tags=Tags.model_validate(asset.tags) if asset.tags is not None else None,
            metadata=Tags.model_validate(upload.given),
            cover=Cover.model_validate(cover | {"url": url, "media_type": "image/jpeg"})
            if cover
            else None,
            duration_ms=asset.duration_ms,
            loudness=LoudnessData.model_validate(asset.loudness) if asset.loudness else None,
            renditions=[
                RenditionData(bitrate_kbps=r.bitrate_kbps, codec=r.codec) for r in asset.renditions
            ],
            failure=asset.failure,
            created_at=asset.created_at,
            updated_at=asset.updated_at,
        ),
    )


def emit_asset_gone(session: Session, upload: Upload) -> None:
    """Publish that the asset of `upload` was deleted, with nothing of what it was."""
    asset = upload.asset
    emit(
        session,
        AssetDeleted(
            id=asset.id,
            version=asset.version,
            owner_id=asset.owner_id,
            upload_id=upload.id,
            state="deleted",
            sha256="",
            size_bytes=0,
            media_type="",
            filename=None,
            tags=None,
            metadata=Tags(),
            cover=None,
            duration_ms=None,
            loudness=None,
            renditions=[],
            failure=None,
            created_at=asset.created_at,
            updated_at=asset.updated_at,
        ),
    )
