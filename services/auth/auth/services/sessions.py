"""Logins: opened by a password, kept alive by rotating refresh tokens, ended for good."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import Session

from auth.errors import OAuthError
from auth.events import emit_session_revoked
from auth.models import RefreshToken, User, UserSession
from auth.queries.users import find_by_login
from auth.services.passwords import password_matches
from common.auth import revoke
from common.db import utcnow

MAX_SESSIONS = 100
"""Of one user at a time; whoever logs in once more ends the oldest."""
# Longer than any access token lives (`access_token_seconds` in the settings).
_TOKEN_LIFE = timedelta(minutes=30)


@dataclass(frozen=True)
class Grant:
    """What a token request earned: whose session, which scopes, the next refresh token."""

    user: User
    session_id: str
    scope: str
    refresh_token: str


def authenticate(session: Session, login: str, password: str) -> User:
    """Return who has this name and password; raises OAuthError without saying which was wrong."""
    user = find_by_login(session, login)
    matches = password_matches(user.password_hash if user else None, password)
    if user is None or not matches or not user.enabled:
        raise OAuthError("invalid_grant", "The user name or the password is not right.")
    return user


def open_session(session: Session, user: User, *, scope: str | None, lifetime: timedelta) -> Grant:
    """Start a login with the scopes asked for, or with all that the user's roles allow.

    Ends the oldest if there are MAX_SESSIONS. Raises OAuthError when the password was changed
    since it was found right.
    """
    verified = user.password_hash
    user = session.get(User, user.id, with_for_update=True, populate_existing=True) or user
    if user.password_hash != verified or not user.enabled:
        raise OAuthError("invalid_grant", "The user name or the password is not right.")
    granted = _grant_scope(user, scope)
    _make_room(session, user.id)
    login = UserSession(user_id=user.id, scope=granted, expires_at=utcnow() + lifetime)
    session.add(login)
    session.flush()
    return Grant(user, login.id, granted, _issue_refresh_token(session, login.id))


def refresh_session(session: Session, refresh_token: str, scope: str | None) -> Grant | None:
    """Trade a refresh token for the next one; None if it is not good.

    Using one twice means that somebody has a copy: the whole session is revoked (RFC 9700 §4.14).
    """
    token = session.get(RefreshToken, _hash(refresh_token))
    # The lock decides what comes first, another refresh and the end of the session included.
    login = session.get(UserSession, token.session_id, with_for_update=True) if token else None
    if token is None or login is None:
        return None
    session.refresh(token)
    if token.used_at is not None:
        revoke_session(session, login)
        return None
    user = session.get(User, login.user_id)
    if user is None or not user.enabled or not login.is_alive(utcnow()):
        return None
    token.used_at = utcnow()
    granted = _narrow(login.scope, scope) if scope else login.scope
    # Roles may have been taken away since the login.
    granted = " ".join(sorted(set(granted.split()) & user.scopes))
    return Grant(user, login.id, granted, _issue_refresh_token(session, login.id))


def end_session(session: Session, refresh_token: str) -> None:
    """Log out; an unknown token is nobody's session, which is as well (RFC 7009 §2.2)."""
    token = session.get(RefreshToken, _hash(refresh_token))
    login = session.get(UserSession, token.session_id) if token else None
    if login is not None:
        revoke_session(session, login)


def revoke_session(session: Session, login: UserSession) -> None:
    """End a session: its refresh tokens and, through the bus, its access tokens."""
    if login.revoked_at is not None:
        return
    now = utcnow()
    login.end(now)
    _void_access_tokens(session, login.id, login.user_id, now)


def revoke_all_sessions(session: Session, user_id: str) -> None:
    """End all of a user's sessions."""
    _end_sessions(session, UserSession.user_id == user_id)


def forget_expired_sessions(session: Session) -> int:
    """Delete a batch of sessions that ended over a week ago, with their tokens; say how many."""
    ended = select(UserSession).where(UserSession.expires_at < utcnow() - timedelta(days=7))
    logins = session.scalars(ended.limit(200)).all()
    for login in logins:
        session.delete(login)
    return len(logins)


def _make_room(session: Session, user_id: str) -> None:
    """End a user's oldest sessions, so that one more is not too many."""
    mine = UserSession.user_id == user_id
    alive = mine & UserSession.revoked_at.is_(None) & (UserSession.expires_at > utcnow())
    # Ids sort by time.
    newest_first = select(UserSession.id).where(alive).order_by(UserSession.id.desc())
    first_beyond = session.scalars(newest_first.offset(MAX_SESSIONS - 1).limit(1)).first()
    if first_beyond is not None:
        _end_sessions(session, mine & (UserSession.id <= first_beyond))


def _end_sessions(session: Session, which: ColumnElement[bool]) -> None:
    """End sessions in one statement, and void access tokens of those that may have any.

    These are few: the others have had none for longer than any lives.
    """
    now = utcnow()
    ended = which & UserSession.revoked_at.is_(None)
    session.execute(update(UserSession).where(ended).values(revoked_at=now, expires_at=now))
    # Only now: the update has waited for refreshes under way, whose tokens count.
    used = exists().where(
        RefreshToken.session_id == UserSession.id, RefreshToken.created_at > now - _TOKEN_LIFE
    )
    logins = select(UserSession.id, UserSession.user_id).where(
        which, UserSession.revoked_at == now, used
    )
    for login in session.execute(logins).all():
        _void_access_tokens(session, login.id, login.user_id, now)


def _void_access_tokens(
    session: Session, session_id: str, user_id: str, revoked_at: datetime
) -> None:
    revoke(session, kind="session", subject_id=session_id, revoked_at=revoked_at)
    emit_session_revoked(session, session_id, user_id)


def _grant_scope(user: User, asked: str | None) -> str:
    allowed = " ".join(sorted(user.scopes))
    return _narrow(allowed, asked) if asked else allowed


def _narrow(allowed: str, asked: str) -> str:
    beyond = set(asked.split()) - set(allowed.split())
    if beyond:
        raise OAuthError("invalid_scope", f"Not available: {' '.join(sorted(beyond))}.")
    return " ".join(sorted(set(asked.split())))


def _issue_refresh_token(session: Session, session_id: str) -> str:
    token = secrets.token_urlsafe(32)
    session.add(RefreshToken(token_hash=_hash(token), session_id=session_id))
    session.flush()
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
