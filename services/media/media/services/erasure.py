"""Erasing a deleted user's data."""

from functools import partial

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from common.db import Database
from common.erasure import Eraser
from media.events import UserDataErased
from media.models import Track, Upload
from media.ports import Storage
from media.services.uploads import delete_upload

_UPLOADS = 10
_TRACKS = 500


def make_eraser(database: Database, storage: Storage) -> Eraser:
    """Return the chore that erases deleted users."""
    return Eraser(database, "media", partial(erase_some, storage), UserDataErased)


def erase_some(storage: Storage, session: Session, user_id: str) -> int:
    """Delete a small batch of a user's uploads, files included, and tracks; return how many rows.

    An upload is two rows, itself and its asset.
    """
    return 2 * _erase_uploads(storage, session, user_id) or _erase_tracks(session, user_id)


def _erase_uploads(storage: Storage, session: Session, user_id: str) -> int:
    theirs = select(Upload).where(Upload.owner_id == user_id).limit(_UPLOADS).with_for_update()
    uploads = session.scalars(theirs).all()
    for upload in uploads:
        # Before the rows: the receipt says that files are gone, too, and a row left behind by a
        # crash is found again. A file would wait for the sweeper.
        for folder in upload.asset.folders:
            storage.delete(folder)
        delete_upload(session, storage, upload)
    return len(uploads)


def _erase_tracks(session: Session, user_id: str) -> int:
    theirs = select(Track.id).where(Track.owner_id == user_id).limit(_TRACKS)
    ids = session.scalars(theirs).all()
    session.execute(delete(Track).where(Track.id.in_(ids)))
    return len(ids)
