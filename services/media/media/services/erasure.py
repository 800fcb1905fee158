"""Erasing a deleted user's data."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from media.events import emit_user_data_erased
from media.models import ErasedOwner, Track, Upload
from media.ports import Storage
from media.services.uploads import delete_upload


def erase_user(session: Session, storage: Storage, user_id: str) -> None:
    """Delete everything of a user, files included, and send the receipt."""
    session.merge(ErasedOwner(user_id=user_id))
    uploads = session.scalars(
        select(Upload).where(Upload.owner_id == user_id).with_for_update()
    ).all()
    for upload in uploads:
        delete_upload(session, storage, upload)
    tracks = session.execute(delete(Track).where(Track.owner_id == user_id))
    erased_rows = 2 * len(uploads) + int(getattr(tracks, "rowcount", 0))
    emit_user_data_erased(session, user_id, erased_rows)
