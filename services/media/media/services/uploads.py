"""Taking uploads in and deleting them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from common.db import new_id
from common.erasure import is_erased
from common.errors import Conflict, Forbidden
from common.jobs import cancel_jobs, enqueue
from media.events import AssetReceived, emit_asset, emit_asset_gone
from media.formats import sniff
from media.models import Asset, AssetState, Upload, UploadStatus, original_key
from media.ports import Received
from media.queries.uploads import find_same_bytes
from media.tags import clean_text

DESCRIBE, TRANSCODE = "media.describe", "media.transcode"
DELETE_FILES = "media.delete_files"


@dataclass(frozen=True)
class Plan:
    """Where the bytes of an upload belong, as things stood when somebody looked."""

    asset_id: str
    is_known: bool
    """Whether the owner uploaded these bytes before."""
    is_needed: bool
    """Whether storage must be given the file."""

    @property
    def key(self) -> str:
        """Where the file is kept."""
        return original_key(self.asset_id)


def plan_upload(session: Session, owner_id: str, sha256: str) -> Plan:
    """Decide where to keep a file, before the transaction that refers to it."""
    _refuse_erased(session, owner_id)
    upload = find_same_bytes(session, owner_id, sha256, lock=False)
    if upload is None:
        return Plan(new_id(), is_known=False, is_needed=True)
    return Plan(upload.asset_id, is_known=True, is_needed=upload.status == UploadStatus.FAILED)


def receive_upload(
    session: Session,
    plan: Plan,
    *,
    owner_id: str,
    received: Received,
    filename: str | None,
    given: Mapping[str, Any],
) -> tuple[Upload, bool]:
    """Start the processing of a file that storage keeps as planned; say whether anything began.

    Bytes that the owner uploaded before are the same upload; if that one failed it starts again.
    """
    _refuse_erased(session, owner_id)
    upload = find_same_bytes(session, owner_id, received.sha256, lock=True)
    if upload is None:
        if plan.is_known:
            raise Conflict("This upload was deleted while its bytes arrived again. Send it again.")
        upload, begins = _create(session, plan.asset_id, owner_id, received)
    else:
        begins = upload.status == UploadStatus.FAILED
        if begins:
            # Operators may have made a job that died go on: from here on it would only undo things.
            cancel_jobs(session, job_keys(upload.asset))
            upload.restart()
            upload.asset.run += 1
    if upload.asset_id != plan.asset_id:  # the same bytes came twice at once
        _delete_files(session, owner_id, plan.asset_id)
    if begins:
        upload.filename, upload.given = display_name(filename), dict(given)
        _begin(session, upload, received)
    return upload, begins


def delete_upload(session: Session, upload: Upload) -> None:
    """Delete an upload with its asset and, by a job, its files; its other jobs are fenced off."""
    asset = upload.asset
    cancel_jobs(session, job_keys(asset))
    asset.version += 1
    emit_asset_gone(session, upload)
    session.delete(upload)
    session.flush()
    session.delete(asset)
    _delete_files(session, asset.owner_id, asset.id)


def display_name(filename: str | None) -> str | None:
    """Return the last part of a client's file name, for display only."""
    name = (filename or "").replace("\\", "/").rpartition("/")[2]
    cleaned = clean_text(name, 255)
    return cleaned if isinstance(cleaned, str) else None


def start_job(session: Session, kind: str, asset: Asset) -> None:
    """Queue a job of the asset's current run, once."""
    enqueue(session, kind=kind, key=_job_key(kind, asset), payload={"asset_id": asset.id})


def job_keys(asset: Asset) -> list[str]:
    """Return the keys of the jobs of the asset's current run."""
    return [_job_key(kind, asset) for kind in (DESCRIBE, TRANSCODE)]


def deletion_prefix(owner_id: str) -> str:
    """Return how the keys of jobs begin that delete files of an owner's."""
    return f"{DELETE_FILES}:{owner_id}:"


def _delete_files(session: Session, owner_id: str, asset_id: str) -> None:
    # Not at once: storage may be far away, and whoever applies events must not wait for it.
    key = f"{deletion_prefix(owner_id)}{asset_id}"
    enqueue(session, kind=DELETE_FILES, key=key, payload={"asset_id": asset_id})


def _job_key(kind: str, asset: Asset) -> str:
    return f"{kind}:{asset.id}:{asset.run}"


def _refuse_erased(session: Session, owner_id: str) -> None:
    if is_erased(session, owner_id):  # a token that outlived its user
        raise Forbidden("This account was deleted.")


def _create(
    session: Session, asset_id: str, owner_id: str, received: Received
) -> tuple[Upload, bool]:
    asset = Asset(
        id=asset_id,
        owner_id=owner_id,
        sha256=received.sha256,
        size_bytes=received.size_bytes,
        media_type="application/octet-stream",
    )
    upload = Upload(owner_id=owner_id, asset=asset, given={})
    try:
        with session.begin_nested():
            session.add_all((asset, upload))
    except IntegrityError:
        # The same bytes came twice at once, and the other request was first. On MySQL all who
        # lost share a lock on its row now: one that asked for more would be a deadlock.
        other = find_same_bytes(session, owner_id, received.sha256, lock=False)
        if other is None:
            raise
        return other, False
    return upload, True


def _begin(session: Session, upload: Upload, received: Received) -> None:
    asset = upload.asset
    known = sniff(received.head)
    asset.media_type = known.media_type if known else "application/octet-stream"
    asset.advance(AssetState.RECEIVED)
    session.flush()
    emit_asset(session, AssetReceived, upload)
    start_job(session, DESCRIBE, asset)
