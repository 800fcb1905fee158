"""Auth's users and sessions: void tokens, and erase what deleted users leave."""

from datetime import datetime

from common.auth import revoke
from common.events import Event, Subscriptions
from sqlalchemy.orm import Session

from media.ports import Storage
from media.services.erasure import erase_user


class UserEnded(Event):
    """A user was disabled or deleted: tokens issued up to then are void."""

    updated_at: datetime


class SessionRevoked(Event):
    """A login ended before its time."""

    revoked_at: datetime


def make_subscriptions(storage: Storage) -> Subscriptions:
    """Return the subscriptions; erasing a user needs the storage of the user's files."""
    subscriptions = Subscriptions()

    @subscriptions.on("auth.user.disabled.v1", UserEnded)
    def disable(session: Session, event: UserEnded) -> None:
        revoke(session, kind="user", subject_id=event.id, revoked_at=event.updated_at)

    @subscriptions.on("auth.user.deleted.v1", UserEnded)
    def erase(session: Session, event: UserEnded) -> None:
        revoke(session, kind="user", subject_id=event.id, revoked_at=event.updated_at)
        erase_user(session, storage, event.id)

    @subscriptions.on("auth.session.revoked.v1", SessionRevoked)
    def end_session(session: Session, event: SessionRevoked) -> None:
        revoke(session, kind="session", subject_id=event.id, revoked_at=event.revoked_at)

    return subscriptions
