"""Auth's events: tokens that are void, users to erase."""

from datetime import datetime

from sqlalchemy.orm import Session

from common.auth import revoke
from common.events import Event, Subscriptions
from playlist.services.erasure import erase_user

subscriptions = Subscriptions()


class SessionRevoked(Event):
    """The login `id` has ended."""

    revoked_at: datetime


class UserChanged(Event):
    """The account `id` was disabled or deleted at `updated_at`."""

    updated_at: datetime


@subscriptions.on("auth.session.revoked.v1", SessionRevoked)
def end_session(session: Session, event: SessionRevoked) -> None:
    """Void the session's tokens."""
    revoke(session, kind="session", subject_id=event.id, revoked_at=event.revoked_at)


@subscriptions.on("auth.user.disabled.v1", UserChanged)
def shut_out_user(session: Session, event: UserChanged) -> None:
    """Void the user's tokens."""
    revoke(session, kind="user", subject_id=event.id, revoked_at=event.updated_at)


@subscriptions.on("auth.user.deleted.v1", UserChanged)
def forget_user(session: Session, event: UserChanged) -> None:
    """Void the user's tokens, erase what is theirs and send a receipt."""
    shut_out_user(session, event)
    erase_user(session, event.id)
