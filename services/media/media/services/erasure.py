"""Erasing a deleted user's data."""

from sqlalchemy import Select, delete, select
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
    erasing = _Erasing(database, storage)
    return Eraser(
        database, "media", erasing.erase_some, UserDataErased, before_step=erasing.delete_files
    )


class _Erasing:
    """Deletes files before the rows that refer to them, and only then the rows.

    The receipt says that files are gone, too, and a row left behind by a crash is found again. A
    file would wait for the sweeper. No transaction is open meanwhile: storage may be slow.
    """

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database, self._storage = database, storage
        self._without_files: list[str] = []

    def delete_files(self, user_id: str) -> None:
        """Delete the files of a small batch of a user's uploads."""
        self._without_files = []
        with self._database.reading() as session:
            uploads = session.scalars(_some_uploads(user_id)).all()
        for upload in uploads:
            for folder in upload.asset.folders:
                self._storage.delete(folder)
        self._without_files = [upload.id for upload in uploads]

    def erase_some(self, session: Session, user_id: str) -> int:
        """Delete that batch of uploads, or a batch of tracks; return how many rows.

        An upload is two rows, itself and its asset.
        """
        return 2 * self._erase_uploads(session, user_id) or _erase_tracks(session, user_id)

    def _erase_uploads(self, session: Session, user_id: str) -> int:
        found = session.scalars(_some_uploads(user_id).with_for_update()).all()
        uploads = [upload for upload in found if upload.id in self._without_files]
        if found and not uploads:
            raise FilesRemain("There are uploads since the files were deleted; theirs come next.")
        for upload in uploads:
            delete_upload(session, self._storage, upload)
        return len(uploads)


class FilesRemain(Exception):
    """An upload came, or another worker erased the others, between two steps."""


def _some_uploads(user_id: str) -> Select[tuple[Upload]]:
    return select(Upload).where(Upload.owner_id == user_id).order_by(Upload.id).limit(_UPLOADS)


def _erase_tracks(session: Session, user_id: str) -> int:
    theirs = select(Track.id).where(Track.owner_id == user_id).limit(_TRACKS)
    ids = session.scalars(theirs).all()
    session.execute(delete(Track).where(Track.id.in_(ids)))
    return len(ids)
