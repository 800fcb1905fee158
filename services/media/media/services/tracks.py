"""Following the catalog's tracks: the read model, and the last stage of an upload."""

from typing import Any

from sqlalchemy.orm import Session

from common.erasure import is_erased
from common.events import Event, apply_version
from media.models import Track, UploadStatus
from media.queries.uploads import upload_of_asset
from media.services.uploads import delete_upload


def follow_track(
    session: Session, event: Event, values: dict[str, Any], *, has_audio: bool
) -> None:
    """Apply a track's newer state; one that `has_audio` completes the upload that it came from."""
    if is_erased(session, values["owner_id"]):
        return
    if not apply_version(session, Track, event, values) or values["asset_id"] is None:
        return
    upload = upload_of_asset(session, values["asset_id"])
    # Only the owner's own track may claim an upload.
    if upload is None or upload.owner_id != values["owner_id"]:
        return
    upload.track_id = event.id
    # Also after a refusal: operators may have had the catalog try again. Not while the same bytes
    # are processed anew, though: that ends by itself.
    if has_audio and upload.asset.is_ready and upload.status != UploadStatus.PUBLISHED:
        upload.finish(UploadStatus.PUBLISHED)


def refuse_upload(session: Session, event: Event, reason: str) -> None:
    """End the upload of an asset that the catalog gave up at the event's version.

    The asset stays ready, so that the catalog may still be made to take it.
    """
    upload = upload_of_asset(session, event.id)
    # An older version is of an attempt before this one: this one has a fate of its own.
    if upload is None or event.version < upload.asset.version:
        return
    if upload.status == UploadStatus.TRANSCODED:
        upload.finish(UploadStatus.FAILED, reason[:500])


def forget_track(session: Session, event: Event, owner_id: str, asset_id: str | None) -> None:
    """Keep of a deleted track only that it is deleted; its upload and its files go.

    Which upload that is the event says: what was told of the track before may come later, or never.
    """
    gone = {"asset_id": None, "owner_id": None, "state": "deleted", "downloadable": False}
    if not apply_version(session, Track, event, gone, deleted=True) or asset_id is None:
        return
    upload = upload_of_asset(session, asset_id)
    if upload is None or upload.owner_id != owner_id:
        return
    if upload.track_id in (None, event.id):
        delete_upload(session, upload)
