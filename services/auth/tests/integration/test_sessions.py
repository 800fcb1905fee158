"""Ending many sessions at once: bounded work, and no access token is forgotten."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import event, func, insert, select, update
from sqlalchemy.orm import Session

from auth.models import RefreshToken, Role, User, UserSession
from auth.services.accounts import change_account, delete_account, register_user, update_profile
from auth.services.sessions import (
    MAX_SESSIONS,
    Grant,
    end_session,
    forget_expired_sessions,
    open_session,
    refresh_session,
)
from common.auth.revocations import revocation
from common.db import Database, new_id, utcnow
from common.events import Outbox, load_routes
from common.events.tables import outbox

MONTH = timedelta(days=30)
HOUR = timedelta(hours=1)

Register = Callable[[str], User]
End = Callable[[Session, str], object]


@pytest.fixture
def database(database: Database, contracts_dir: Any) -> Iterator[Database]:
    """Give a database whose sessions can emit, as those of the application."""
    carried = {"outbox": Outbox("/auth", load_routes(contracts_dir))}
    url = database.engine.url.render_as_string(hide_password=False)
    emitting = Database(url, info=carried)
    yield emitting
    emitting.dispose()


@pytest.fixture
def make_user(database: Database) -> Register:
    def make(name: str) -> User:
        with database.transaction() as session:
            return register_user(
                session,
                email=f"{name}@example.org",
                username=name,
                password_hash="a hash",
                display_name=None,
                roles=[Role.LISTENER, Role.ARTIST],
            )

    return make


@pytest.fixture
def ann(make_user: Register) -> User:
    return make_user("ann")


def _sign_in(database: Database, user: User, *, ago: timedelta = timedelta(0)) -> Grant:
    with database.transaction() as session:
        user = session.get_one(User, user.id)
        grant = open_session(session, user, scope=None, lifetime=MONTH)
        mine = RefreshToken.session_id == grant.session_id
        session.execute(update(RefreshToken).where(mine).values(created_at=utcnow() - ago))
    return grant


def _leave_behind(database: Database, user: User, count: int) -> None:
    """Write sessions that nobody has used for an hour, as a script makes them."""
    usual = {"user_id": user.id, "scope": "", "expires_at": utcnow() + MONTH}
    logins = [usual | {"id": new_id()} for _ in range(count)]
    before = utcnow() - HOUR
    tokens = [
        {"token_hash": new_id(), "session_id": login["id"], "created_at": before}
        for login in logins
    ]
    with database.transaction() as session:
        session.execute(insert(UserSession), logins)
        session.execute(insert(RefreshToken), tokens)


def _alive(database: Database, user: User) -> int:
    mine = (UserSession.user_id == user.id) & UserSession.revoked_at.is_(None)
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(UserSession).where(mine)) or 0


def _told(database: Database) -> set[str]:
    """Return the sessions whose end the others were told of; auth itself has to know the same."""
    with database.reading() as session:
        revoked = outbox.c.type == "auth.session.revoked.v1"
        envelopes = session.scalars(select(outbox.c.envelope).where(revoked)).all()
        ours = select(revocation.c.subject_id).where(revocation.c.kind == "session")
        known = set(session.scalars(ours))
    ids = {orjson.loads(envelope)["data"]["id"] for envelope in envelopes}
    assert ids == known
    return ids


@contextmanager
def _counting(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def _change_password(session: Session, user_id: str) -> None:
    update_profile(session, user_id, display_name=None, password_hash="another hash")


def _disable(session: Session, user_id: str) -> None:
    change_account(session, user_id, roles=None, enabled=False)


def _take_a_role(session: Session, user_id: str) -> None:
    change_account(session, user_id, roles=[Role.LISTENER], enabled=None)


@pytest.mark.parametrize("end", [_change_password, _take_a_role, _disable, delete_account])
def test_ending_thousands_of_sessions_takes_few_statements(
    database: Database, make_user: Register, ann: User, end: End
) -> None:
    bob = make_user("bob")
    _leave_behind(database, ann, 2000)
    _leave_behind(database, bob, 3)
    used = {_sign_in(database, ann).session_id for _ in range(2)}
    with database.transaction() as session:  # as before there was a limit
        session.execute(update(UserSession).values(revoked_at=None))
    with _counting(database) as statements, database.transaction() as session:
        end(session, ann.id)
    assert _alive(database, ann) == 0
    assert _alive(database, bob) == 3
    assert _told(database) == used
    assert len(statements) < 50


def test_who_signs_in_once_more_ends_the_oldest_session(
    database: Database, make_user: Register, ann: User
) -> None:
    bob = _sign_in(database, make_user("bob"))
    grants = [_sign_in(database, ann) for _ in range(MAX_SESSIONS)]
    assert _alive(database, ann) == MAX_SESSIONS
    assert _told(database) == set()
    _sign_in(database, ann)
    assert _alive(database, ann) == MAX_SESSIONS
    assert _told(database) == {grants[0].session_id}
    with database.transaction() as session:
        assert refresh_session(session, grants[0].refresh_token, None) is None
        assert refresh_session(session, grants[1].refresh_token, None)
        assert refresh_session(session, bob.refresh_token, None)


def test_sessions_of_former_releases_beyond_the_limit_end_at_the_next_sign_in(
    database: Database, ann: User
) -> None:
    used = _sign_in(database, ann)
    _leave_behind(database, ann, 2000)
    with _counting(database) as statements:
        _sign_in(database, ann)
    assert _alive(database, ann) == MAX_SESSIONS
    assert _told(database) == {used.session_id}
    assert len(statements) < 50


def test_ended_sessions_are_forgotten_a_week_later(
    database: Database, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept for the month of their lives, they would be many when the account is deleted."""
    for _ in range(3):
        ended = _sign_in(database, ann)
    with database.transaction() as session:
        end_session(session, ended.refresh_token)
        _change_password(session, ann.id)
    _sign_in(database, ann)
    for days, left in ((6, 4), (8, 1)):
        later = utcnow() + timedelta(days=days)
        monkeypatch.setattr("auth.services.sessions.utcnow", lambda later=later: later)
        with database.transaction() as session:
            forget_expired_sessions(session)
            assert session.scalar(select(func.count()).select_from(UserSession)) == left


def test_a_refresh_that_is_under_way_is_told_of_too(database: Database, ann: User) -> None:
    grant = _sign_in(database, ann, ago=HOUR)
    refreshed = threading.Event()

    def refresh() -> None:
        with database.transaction() as session:
            assert refresh_session(session, grant.refresh_token, None)
            refreshed.set()
            time.sleep(0.5)  # the other waits for it meanwhile

    def change_password() -> None:
        refreshed.wait(10)
        with database.transaction() as session:
            _change_password(session, ann.id)

    _run_together(refresh, change_password)
    assert _alive(database, ann) == 0
    assert _told(database) == {grant.session_id}


def test_a_refresh_that_comes_while_sessions_end_gets_no_token(
    database: Database, ann: User
) -> None:
    grant = _sign_in(database, ann, ago=HOUR)
    ended = threading.Event()
    refreshed: list[Grant | None] = []

    def change_password() -> None:
        with database.transaction() as session:
            _change_password(session, ann.id)
            ended.set()
            time.sleep(0.5)

    def refresh() -> None:
        ended.wait(10)
        with database.transaction() as session:
            refreshed.append(refresh_session(session, grant.refresh_token, None))

    _run_together(change_password, refresh)
    assert refreshed == [None]
    assert _told(database) == set()


def _run_together(*tasks: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(tasks)) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result(timeout=30)
