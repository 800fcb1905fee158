"""What auth tells the other services. No e-mail addresses and no names leave it."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy.orm import Session

from auth.models import User
from common.db import utcnow
from common.events import Event, emit


class _UserEvent(Event):
    subject_kind: ClassVar = "user"

    roles: list[str]
    """What the user may be: `listener`, `artist`, `admin`."""
    enabled: bool
    """Whether the user may log in."""
    updated_at: datetime
    """When the account changed."""


class UserRegistered(_UserEvent):
    """Somebody made an account."""

    event_type: ClassVar = "auth.user.registered.v1"


class UserUpdated(_UserEvent):
    """An account's roles or state changed."""

    event_type: ClassVar = "auth.user.updated.v1"


class UserDisabled(_UserEvent):
    """An administrator closed an account: its tokens from before `updated_at` are void."""

    event_type: ClassVar = "auth.user.disabled.v1"


class UserDeleted(_UserEvent):
    """An account was deleted: erase what is the user's and send a receipt."""

    event_type: ClassVar = "auth.user.deleted.v1"


class SessionRevoked(Event):
    """A login ended before its time: its access tokens are void."""

    event_type: ClassVar = "auth.session.revoked.v1"
    subject_kind: ClassVar = "session"

    user_id: str
    """Whose login it was."""
    revoked_at: datetime
    """Tokens of the login that were issued up to then are void."""


def emit_user(session: Session, kind: type[_UserEvent], user: User) -> None:
    """Publish the user's state as an event of `kind`."""
    emit(
        session,
        kind(
            id=user.id,
            version=user.version,
            roles=[role.value for role in user.roles],
            enabled=user.enabled,
            updated_at=user.updated_at,
        ),
    )


def emit_session_revoked(session: Session, session_id: str, user_id: str) -> None:
    """Publish the end of a session."""
    emit(session, SessionRevoked(id=session_id, version=1, user_id=user_id, revoked_at=utcnow()))
