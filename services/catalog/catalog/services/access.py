"""Who may change what, and one after another."""

from typing import TypeVar

from sqlalchemy.orm import Session

from catalog.models import Album, Artist, Track
from common.auth import Identity
from common.errors import Forbidden, NotFound

S = TypeVar("S", Artist, Album, Track)


def find_to_edit(session: Session, model: type[S], subject_id: str, editor: Identity) -> S:
    """Return the subject, locked; raises NotFound, or Forbidden for what is another's."""
    subject = session.get(model, subject_id, with_for_update=True)
    if subject is not None and editor.may_edit(subject.owner_id):
        return subject
    kind = model.__name__.lower()
    if subject is None or not subject.is_published:
        raise NotFound(f"There is no such {kind}.")
    raise Forbidden(f"This {kind} belongs to somebody else.")


def lock(session: Session, subject: Artist | Album, *, shared: bool = False) -> None:
    """Wait for whoever else changes a subject that was read without a lock; read what they left.

    Without it two states could be told as one version, and others would keep the older one. Who
    only needs it to stay as it is may share the lock with others who do. Tracks are locked before
    albums, these before artists, and of several artists the one with the lowest id first: else two
    could wait for each other.
    """
    session.flush()  # reading anew forgets what is not written yet
    session.refresh(subject, with_for_update={"read": shared})
