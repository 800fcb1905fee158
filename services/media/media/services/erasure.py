"""Erasing a deleted user's data."""

from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from common.db import Database
from common.erasure import Eraser
from common.jobs.tables import job
from media.events import UserDataErased
from media.models import Track, Upload, all_keys
from media.ports import Storage
from media.services.uploads import delete_upload, deletion_prefix

_UPLOADS = 10
_TRACKS = 500


def make_eraser(database: Database, storage: Storage) -> Eraser:
    """Return the chore that erases deleted users."""
    erasing = _Erasing(database, storage)
    return Eraser(
        database, "media", erasing.erase_some, UserDataErased, before_step=erasing.delete_files
    )


class _Erasing:
    """Deletes uploads, which leaves jobs that are to delete their files, and does these itself.

    The receipt says that files are gone, too: it waits until there is no such job, whether it is
    queued or dead. No transaction is open while files are deleted: storage may be slow.
    """

    def __init__(self, database: Database, storage: Storage) -> None:
        self._database, self._storage = database, storage
        self._done: list[str] = []

    def delete_files(self, user_id: str) -> None:
        """Do a small batch of the jobs that delete a user's files, as far as it is not done."""
        self._done = []
        with self._database.reading() as session:
            deletions = session.execute(_some_deletions(user_id)).all()
        unfinished = [row.payload["asset_id"] for row in deletions if row.state != "done"]
        for asset_id in unfinished:
            for key in all_keys(asset_id):
                self._storage.delete(key)
        self._done = [row.id for row in deletions]

    def erase_some(self, session: Session, user_id: str) -> int:
        """Delete the jobs of that batch, or a batch of uploads or tracks; return how many rows."""
        rows = (
            self._erase_deletions(session)
            or _erase_uploads(session, user_id)
            or _erase_tracks(session, user_id)
        )
        if not rows and session.execute(_some_deletions(user_id)).first():
            raise FilesRemain("An upload was deleted since the files were; its files come next.")
        return rows

    def _erase_deletions(self, session: Session) -> int:
        erased = session.execute(delete(job).where(job.c.id.in_(self._done)))
        return int(getattr(erased, "rowcount", 0))


class FilesRemain(Exception):
    """The user, or another worker, deleted an upload between two steps."""


def _some_deletions(user_id: str) -> Select[tuple[str, str, Any]]:
    # Also those that are done: their keys name the user.
    theirs = job.c.key.startswith(deletion_prefix(user_id), autoescape=True)
    query = select(job.c.id, job.c.state, job.c.payload).where(theirs)
    return query.order_by(job.c.id).limit(_UPLOADS)


def _erase_uploads(session: Session, user_id: str) -> int:
    """Delete a batch of uploads; each is two rows, itself and its asset."""
    theirs = select(Upload).where(Upload.owner_id == user_id).order_by(Upload.id).limit(_UPLOADS)
    uploads = session.scalars(theirs.with_for_update()).all()
    for upload in uploads:
        delete_upload(session, upload)
    return 2 * len(uploads)


def _erase_tracks(session: Session, user_id: str) -> int:
    theirs = select(Track.id).where(Track.owner_id == user_id).limit(_TRACKS)
    ids = session.scalars(theirs).all()
    session.execute(delete(Track).where(Track.id.in_(ids)))
    return len(ids)
