"""Auth's users and sessions: void tokens, and erase what deleted users leave."""

from datetime import datetime

from sqlalchemy.orm import Session

from common.auth import revoke
from common.events import Event, Subscriptions
from media.services.erasure import erase_user

subscriptions = Subscriptions()


class UserEnded(Event):
    """A user was disabled or deleted: tokens issued up to then are void."""

    updated_at: datetime


class SessionRevoked(Event):
    """A login ended before its time."""

    revoked_at: datetime


@subscriptions.on("auth.user.disabled.v1", UserEnded)
def disable(session: Session, event: UserEnded) -> None:
    """Void the user's tokens."""
    revoke(session, kind="user", subject_id=event.id, revoked_at=event.updated_at)


@subscriptions.on("auth.user.deleted.v1", UserEnded)
def erase(session: Session, event: UserEnded) -> None:
    """Void the user's tokens and erase everything, files included."""
    disable(session, event)
    erase_user(session, session.info["storage"], event.id)


@subscriptions.on("auth.session.revoked.v1", SessionRevoked)
def end_session(session: Session, event: SessionRevoked) -> None:
    """Void the session's tokens."""
    revoke(session, kind="session", subject_id=event.id, revoked_at=event.revoked_at)
