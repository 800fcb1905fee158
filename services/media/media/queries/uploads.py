"""Finding uploads and assets; somebody else's do not exist for a caller."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.auth import Identity
from common.db import Page, page
from media.errors import AssetNotFound, UploadNotFound
from media.models import Asset, Upload, WaveformRow


def find_upload(
    session: Session, upload_id: str, identity: Identity, *, lock: bool = False
) -> Upload:
    """Return an upload of the caller's (an administrator's are all); raises UploadNotFound.

    Who changes it must `lock` it: a job may be about to raise its asset's version, too.
    """
    upload = session.get(Upload, upload_id, with_for_update=lock)
    if upload is None or not identity.may_edit(upload.owner_id):
        raise UploadNotFound
    return upload


def list_uploads(
    session: Session, owner_id: str, *, sha256: str | None, limit: int, cursor: str | None
) -> Page:
    """Return an owner's uploads, newest first; with `sha256` at most the one of these bytes."""
    query = select(Upload).where(Upload.owner_id == owner_id)
    if sha256 is not None:
        query = query.join(Asset).where(Asset.sha256 == sha256.lower())
    return page(session, query, order_by=[Upload.id], limit=limit, cursor=cursor, descending=True)


def find_same_bytes(session: Session, owner_id: str, sha256: str, *, lock: bool) -> Upload | None:
    """Return the owner's upload of exactly these bytes; `lock` it until the transaction ends."""
    query = (
        select(Upload)
        .join(Asset, Asset.id == Upload.asset_id)
        .where(Asset.owner_id == owner_id, Asset.sha256 == sha256)
    )
    return session.scalars(query.with_for_update() if lock else query).first()


def upload_of_asset(session: Session, asset_id: str) -> Upload | None:
    """Return the upload that brought an asset, locked; None when it was deleted."""
    query = select(Upload).where(Upload.asset_id == asset_id).with_for_update()
    return session.scalars(query).first()


def find_asset(session: Session, asset_id: str, identity: Identity) -> Asset:
    """Return an asset of the caller's (an administrator's are all); raises AssetNotFound."""
    asset = session.get(Asset, asset_id)
    if asset is None or not identity.may_edit(asset.owner_id):
        raise AssetNotFound
    return asset


def find_waveform(session: Session, asset_id: str) -> WaveformRow:
    """Return an asset's waveform; raises AssetNotFound when there is none yet."""
    waveform = session.get(WaveformRow, asset_id)
    if waveform is None:
        raise AssetNotFound
    return waveform
