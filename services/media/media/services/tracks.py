"""Following the catalog's tracks: the read model, and the last stage of an upload."""

from typing import Any

from sqlalchemy.orm import Session

from common.erasure import is_erased
from common.events import Event, apply_version
from media.models import Track, UploadStatus
from media.ports import Storage
from media.queries.uploads import upload_of_asset
from media.services.uploads import delete_upload


def follow_track(session: Session, event: Event, values: dict[str, Any]) -> None:
    """Apply a track's newer state; a published one completes the upload that it came from."""
    if is_erased(session, values["owner_id"]):
        return
    if not apply_version(session, Track, event, values) or values["asset_id"] is None:
        return
    upload = upload_of_asset(session, values["asset_id"])
    # Only the owner's own track may claim an upload.
    if upload is None or upload.owner_id != values["owner_id"]:
        return
    upload.track_id = event.id
    if values["state"] == "published" and upload.status == UploadStatus.TRANSCODED:
        upload.finish(UploadStatus.PUBLISHED)


def forget_track(session: Session, storage: Storage, event: Event) -> None:
    """Keep of a deleted track only that it is deleted; its upload and its files go."""
    row = session.get(Track, event.id)
    asset_id = row.asset_id if row else None
    gone = {"asset_id": None, "owner_id": None, "state": "deleted", "downloadable": False}
    if not apply_version(session, Track, event, gone, deleted=True) or asset_id is None:
        return
    upload = upload_of_asset(session, asset_id)
    if upload is not None and upload.track_id == event.id:
        delete_upload(session, storage, upload)
