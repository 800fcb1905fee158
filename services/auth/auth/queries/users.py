"""Finding users."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from auth.models import User
from common.errors import NotFound


def find_user(session: Session, user_id: str, *, lock: bool = False) -> User:
    """Return the user; who changes it must `lock` it. Raises NotFound."""
    user = session.get(User, user_id, with_for_update=lock)
    if user is None:
        raise NotFound("There is no such user.")
    return user


def find_by_login(session: Session, login: str) -> User | None:
    """Return the user with this username or e-mail address."""
    key = User.key(login)
    return session.scalars(
        select(User).where((User.username_key == key) | (User.email_key == key))
    ).first()
