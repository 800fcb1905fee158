"""What every service that verifies tokens does about ended logins and accounts."""

from datetime import datetime

from sqlalchemy.orm import Session

from common.auth.revocations import revoke
from common.events import Event, Subscriptions

subscriptions = Subscriptions()


class SessionRevoked(Event):
    """A login ended before its time."""

    revoked_at: datetime


class UserEnded(Event):
    """An account was disabled or deleted: tokens issued up to then are void."""

    updated_at: datetime


@subscriptions.on("auth.session.revoked.v1", SessionRevoked)
def void_session(session: Session, event: SessionRevoked) -> None:
    """Refuse the session's access tokens."""
    revoke(session, kind="session", subject_id=event.id, revoked_at=event.revoked_at)


@subscriptions.on("auth.user.disabled.v1", UserEnded)
def void_user(session: Session, event: UserEnded) -> None:
    """Refuse the access tokens that the user has."""
    revoke(session, kind="user", subject_id=event.id, revoked_at=event.updated_at)
