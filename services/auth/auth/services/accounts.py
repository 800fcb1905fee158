"""Making, changing and ending accounts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.events import UserDeleted, UserDisabled, UserRegistered, UserUpdated, emit_user
from auth.models import Role, User
from auth.queries.users import find_user
from auth.services.sessions import revoke_all_sessions
from common.auth import revoke
from common.errors import Conflict, FieldError
from common.idempotency import forget_answers


def register_user(
    session: Session,
    *,
    email: str,
    username: str,
    password_hash: str,
    display_name: str | None,
    roles: list[Role],
) -> User:
    """Make an account; raises Conflict when the address or the name is taken."""
    taken = _taken(session, email, username)
    if taken:
        raise Conflict(f"Somebody already has this {' and '.join(f.field for f in taken)}.", taken)
    user = User(
        email=email.strip(),
        email_key=User.key(email),
        username=username,
        username_key=User.key(username),
        display_name=display_name or username,
        password_hash=password_hash,
        role_names=" ".join(roles),
    )
    session.add(user)
    session.flush()
    emit_user(session, UserRegistered, user)
    return user


def update_profile(
    session: Session, user_id: str, *, display_name: str | None, password_hash: str | None
) -> User:
    """Change what is given; a new password ends all other logins."""
    user = find_user(session, user_id, lock=True)
    if display_name is not None:
        user.display_name = display_name
    if password_hash is not None:
        user.password_hash = password_hash
        revoke_all_sessions(session, user.id)
    user.change()
    emit_user(session, UserUpdated, user)
    return user


def change_account(
    session: Session, user_id: str, *, roles: list[Role] | None, enabled: bool | None
) -> User:
    """Set what an administrator decides; who loses a role has to log in again."""
    user = find_user(session, user_id, lock=True)
    if roles is not None:
        if set(user.roles) - set(roles):
            revoke_all_sessions(session, user.id)
        user.role_names = " ".join(role for role in Role if role in roles)
    if enabled is not None:
        user.enabled = enabled
    user.change()
    if not user.enabled:
        _void_tokens(session, user)
    emit_user(session, UserUpdated if user.enabled else UserDisabled, user)
    return user


def delete_account(session: Session, user_id: str) -> None:
    """Delete the account and everything auth holds of it; the other services follow."""
    forget_answers(session, user_id)
    user = find_user(session, user_id, lock=True)
    user.enabled = False
    user.change()
    _void_tokens(session, user)
    emit_user(session, UserDeleted, user)
    session.delete(user)


def _void_tokens(session: Session, user: User) -> None:
    revoke_all_sessions(session, user.id)
    revoke(session, kind="user", subject_id=user.id, revoked_at=user.updated_at)


def _taken(session: Session, email: str, username: str) -> list[FieldError]:
    rows = session.execute(
        select(User.email_key, User.username_key).where(
            (User.email_key == User.key(email)) | (User.username_key == User.key(username))
        )
    ).all()
    fields = []
    if any(row.email_key == User.key(email) for row in rows):
        fields.append(FieldError("email", "already registered"))
    if any(row.username_key == User.key(username) for row in rows):
        fields.append(FieldError("username", "already taken"))
    return fields
