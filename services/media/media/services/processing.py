"""The jobs: describe an asset, transcode it, delete its files; each commits under its lease."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from threading import Event
from typing import Any

from sqlalchemy.orm import Session

from common.db import Database
from common.jobs import Fenced, GivenUp, Interrupted, RunningJob
from common.logging import get_logger
from media.errors import UnusableFile
from media.events import AssetDescribed, AssetFailed, AssetReady, emit_asset
from media.models import (
    Asset,
    AssetState,
    Rendition,
    Upload,
    UploadStatus,
    WaveformRow,
    all_keys,
)
from media.ports import CoverImage, Description, Storage, Transcoded, Transcoder
from media.queries.uploads import upload_of_asset
from media.services.uploads import TRANSCODE, job_keys, start_job
from media.tags import Tags

log = get_logger(__name__)

_GIVEN_UP = "Processing failed several times on our side. Upload the file again later."
_CANCELLED = "An operator cancelled the processing of this file. You may upload it again."


@dataclass(frozen=True)
class Workshop:
    """What jobs work with."""

    database: Database
    storage: Storage
    transcoder: Transcoder
    stopping: Event
    lease: timedelta = timedelta(seconds=30)

    def check(self, job: RunningJob) -> None:
        """Raise Fenced if the lease was lost, Interrupted if this process shuts down."""
        if job.lost.is_set():
            raise Fenced(f"job {job.id} was taken over")
        if self.stopping.is_set():
            raise Interrupted("the worker is shutting down")


def describe_asset(shop: Workshop, job: RunningJob) -> None:
    """Find out what an asset is; afterwards it is `described`, or `failed` with the reason."""
    asset = _load(shop, job)
    if asset is None:
        return
    if not asset.size_bytes:  # of which a storage need not keep anything
        _refuse(shop, job, "The file is empty (0 bytes).")
        return
    try:
        with shop.storage.fetch(asset.original_key) as source:
            description = shop.transcoder.describe(source, lambda: shop.check(job))
    except UnusableFile as refusal:
        _refuse(shop, job, refusal.detail)
        return
    cover = _store_cover(shop, asset, description.cover)

    def keep(session: Session, upload: Upload) -> None:
        _keep_description(upload.asset, description, cover)
        upload.finish(UploadStatus.DESCRIBED)
        emit_asset(session, AssetDescribed, upload)
        start_job(session, TRANSCODE, upload.asset)

    _finish(shop, job, keep)


def transcode_asset(shop: Workshop, job: RunningJob) -> None:
    """Make an asset's renditions; afterwards it is `ready`, or `failed` with the reason."""
    asset = _load(shop, job, new_attempt=True)
    if asset is None:
        return
    folder_key = f"{asset.renditions_key}/attempt-{asset.attempts}"
    try:
        result = _transcode(shop, job, asset, folder_key)
    except UnusableFile as refusal:
        _refuse(shop, job, refusal.detail)
        return

    def keep(session: Session, upload: Upload) -> None:
        _keep_renditions(session, upload.asset, result, asset.attempts)
        upload.finish(UploadStatus.TRANSCODED)
        emit_asset(session, AssetReady, upload)

    try:
        _finish(shop, job, keep)
    except Fenced:
        shop.storage.delete(folder_key)
        raise


def delete_files(shop: Workshop, job: RunningJob) -> None:
    """Delete the files of an asset that is gone; afterwards storage has nothing of it."""
    for key in all_keys(job.payload["asset_id"]):
        shop.check(job)
        shop.storage.delete(key)
    with shop.database.transaction() as session:
        job.complete(session)


def fail_upload(session: Session, upload: Upload, reason: str) -> None:
    """End an upload with the reason why it never becomes a track."""
    upload.asset.advance(AssetState.FAILED, reason[:500])
    upload.finish(UploadStatus.FAILED, reason[:500])
    emit_asset(session, AssetFailed, upload)


def give_up(session: Session, job: GivenUp) -> None:
    """End the upload of a job that failed each time for reasons of ours, or was cancelled."""
    upload = upload_of_asset(session, job.payload["asset_id"])
    # Whoever uploaded the file again began anew: then an older job says nothing any more. One that
    # deletes files has no upload: what it leaves is swept.
    if upload is None or job.key not in job_keys(upload.asset):
        return
    fail_upload(session, upload, _CANCELLED if job.is_cancelled else _GIVEN_UP)


def _load(shop: Workshop, job: RunningJob, *, new_attempt: bool = False) -> Asset | None:
    """Return the job's asset, with a fresh attempt number if asked; ends the job if it is gone."""
    with shop.database.transaction() as session:
        upload = upload_of_asset(session, job.payload["asset_id"])
        if upload is None:
            job.complete(session)
            return None
        if new_attempt:
            upload.asset.attempts += 1
        return upload.asset


def _finish(shop: Workshop, job: RunningJob, keep: Callable[[Session, Upload], None]) -> None:
    """Commit a job's result; raises Fenced, keeping nothing, if the job is no longer ours."""
    with shop.database.transaction() as session:
        job.complete(session)
        upload = upload_of_asset(session, job.payload["asset_id"])
        if upload is None:
            raise Fenced("the upload was deleted meanwhile")
        keep(session, upload)


def _refuse(shop: Workshop, job: RunningJob, reason: str) -> None:
    """End job and upload at once: trying again would not make the file any better."""
    _finish(shop, job, lambda session, upload: fail_upload(session, upload, reason))


def _transcode(shop: Workshop, job: RunningJob, asset: Asset, folder_key: str) -> Transcoded:
    described = _description(asset)
    with (
        shop.storage.fetch(asset.original_key) as source,
        shop.storage.workspace() as folder,
    ):
        result = shop.transcoder.transcode(
            source, folder, described, lambda _share: shop.check(job)
        )
        shop.check(job)
        shop.storage.put_folder(folder, folder_key)
    return result


def _description(asset: Asset) -> Description:
    if asset.codec is None or asset.sample_rate is None or asset.channels is None:
        raise RuntimeError(f"asset {asset.id} was never described")
    return Description(
        media_type=asset.media_type,
        codec=asset.codec,
        sample_rate=asset.sample_rate,
        channels=asset.channels,
        duration_ms=asset.duration_ms or 0,
        tags=Tags(),
        cover=None,
    )


def _store_cover(shop: Workshop, asset: Asset, cover: CoverImage | None) -> dict[str, Any] | None:
    if cover is None:
        return None
    sha256 = hashlib.sha256(cover.jpeg).hexdigest()
    shop.storage.put(f"{asset.images_key}/{sha256}.jpg", cover.jpeg)
    return {"sha256": sha256, "width": cover.width, "height": cover.height}


def _keep_description(asset: Asset, found: Description, cover: dict[str, Any] | None) -> None:
    asset.media_type, asset.codec = found.media_type, found.codec
    asset.sample_rate, asset.channels = found.sample_rate, found.channels
    asset.duration_ms, asset.tags, asset.cover = found.duration_ms, found.tags.model_dump(), cover
    asset.advance(AssetState.DESCRIBED)


def _keep_renditions(session: Session, asset: Asset, result: Transcoded, attempt: int) -> None:
    asset.attempt = attempt
    asset.loudness = asdict(result.loudness) if result.loudness else None
    asset.renditions = [Rendition(asset_id=asset.id, **asdict(made)) for made in result.renditions]
    session.merge(WaveformRow(asset_id=asset.id, **asdict(result.waveform)))
    asset.advance(AssetState.READY)
    session.flush()
