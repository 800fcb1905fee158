"""Ends of logins and accounts."""

from datetime import datetime

from sqlalchemy.orm import Session

from catalog.services.erasure import erase_user
from common.auth import revoke
from common.events import Event, Subscriptions

subscriptions = Subscriptions()


class UserClosed(Event):
    """An account that was disabled or deleted."""

    updated_at: datetime


class SessionRevoked(Event):
    """A login that ended before its time."""

    revoked_at: datetime


@subscriptions.on("auth.session.revoked.v1", SessionRevoked)
def revoke_session(session: Session, event: SessionRevoked) -> None:
    """Refuse the session's access tokens."""
    revoke(session, kind="session", subject_id=event.id, revoked_at=event.revoked_at)


@subscriptions.on("auth.user.disabled.v1", UserClosed)
def revoke_user(session: Session, event: UserClosed) -> None:
    """Refuse the access tokens that the user has."""
    revoke(session, kind="user", subject_id=event.id, revoked_at=event.updated_at)


@subscriptions.on("auth.user.deleted.v1", UserClosed)
def forget_user(session: Session, event: UserClosed) -> None:
    """Refuse the user's access tokens and erase what is theirs."""
    revoke(session, kind="user", subject_id=event.id, revoked_at=event.updated_at)
    erase_user(session, event.id)
