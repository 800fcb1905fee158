"""Transactions whose server goes away, or is no longer the writer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask_openapi import APIBlueprint
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from common.auth import public
from common.auth.tokens import TokenVerifier
from common.db import Database, Unconfirmed, is_undone
from common.testing.plugin import MakeDatabase
from common.web import create_service_app, idempotent, writing

pytestmark = pytest.mark.parametrize("lend_schema", ["mysql"], indirect=True)

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
mark = Table("mark", MetaData(), Column("id", Integer, primary_key=True))


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    return make_database("auth", mark.metadata)


def _marks(database: Database) -> int:
    with database.reading() as session:
        return session.execute(select(func.count()).select_from(mark)).scalar_one()


def _cut(database: Database, session: Session | Connection) -> None:
    """End a session's connection as a server does that shuts down."""
    mine = session.execute(text("SELECT CONNECTION_ID()")).scalar_one()
    with database.engine.connect() as other:
        other.execute(text(f"KILL {mine}"))


@pytest.fixture
def lost_commits(database: Database) -> Iterator[None]:
    """Lose the connection whenever COMMIT is sent."""

    def cut(connection: Connection) -> None:
        _cut(database, connection)

    event.listen(database.engine, "commit", cut)
    yield
    event.remove(database.engine, "commit", cut)


def _mark_twice(database: Database, between: Callable[[Session], object]) -> None:
    with database.transaction() as session:
        session.execute(insert(mark))
        between(session)
        session.execute(insert(mark))


def test_a_connection_lost_in_a_transaction_undoes_it(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        _mark_twice(database, lambda session: _cut(database, session))
    assert is_undone(caught.value)
    assert _marks(database) == 0


@pytest.mark.usefixtures("lost_commits")
def test_a_connection_lost_at_the_commit_leaves_doubt(database: Database) -> None:
    with pytest.raises(Unconfirmed), database.transaction() as session:
        session.execute(insert(mark))
    assert _marks(database) == 0  # as it happens; the process cannot know


def _become_a_reader(session: Session) -> None:
    session.execute(text("ROLLBACK"))
    session.execute(text("START TRANSACTION READ ONLY"))


def test_what_is_no_longer_the_writer_loses_all_its_connections(database: Database) -> None:
    def connection_id() -> int:
        with database.reading() as session:
            found: int = session.execute(text("SELECT CONNECTION_ID()")).scalar_one()
            return found

    before = connection_id()
    assert connection_id() == before  # pooled
    with pytest.raises(DBAPIError, match="1792") as caught:
        _mark_twice(database, _become_a_reader)
    assert is_undone(caught.value)
    assert connection_id() != before
    with database.transaction() as session:
        session.execute(insert(mark))
    assert _marks(database) == 1


def _wait_for_lock(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("SET innodb_lock_wait_timeout = 1"))
        session.execute(select(mark).with_for_update())


def test_who_waits_in_vain_for_a_lock_may_try_again(database: Database) -> None:
    with database.transaction() as session:
        session.execute(insert(mark))
    with database.transaction() as session:
        session.execute(select(mark).with_for_update()).all()
        with pytest.raises(DBAPIError, match="1205") as caught:
            _wait_for_lock(database)
    assert is_undone(caught.value)


class Service:
    """Requests whose database connection is lost a given number of times."""

    def __init__(self, database: Database, verifier: TokenVerifier) -> None:
        self.database = database
        self.losses = 0
        self.attempts = 0
        app = create_service_app("auth", database=database, verifier=verifier, apis=[_routes(self)])
        self.client: FlaskClient = app.test_client()

    def send(self, method: str, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.open("/marks", method=method, json={}, headers=headers)


def _routes(service: Service) -> APIBlueprint:
    api = APIBlueprint("marks", __name__)

    def make() -> Any:
        service.attempts += 1
        with writing() as session:
            session.execute(insert(mark))
            if service.losses:
                service.losses -= 1
                _cut(service.database, session)
                session.execute(insert(mark))
        return {}, 201

    @api.put("/marks")
    @public
    def put_mark() -> Any:
        """Make."""
        return make()

    @api.post("/marks")
    @public
    @idempotent
    def post_mark() -> Any:
        """Make."""
        return make()

    return api


@pytest.fixture
def service(database: Database, make_verifier: Callable[[Database], TokenVerifier]) -> Service:
    return Service(database, make_verifier(database))


@pytest.mark.parametrize(("method", "key"), [("PUT", None), ("POST", KEY)])
def test_what_may_come_twice_is_done_again_once(
    service: Service, method: str, key: str | None
) -> None:
    service.losses = 1
    assert service.send(method, key).status_code == 201
    assert (service.attempts, _marks(service.database)) == (2, 1)


@pytest.mark.parametrize(("method", "losses", "attempts"), [("POST", 1, 1), ("PUT", 2, 2)])
def test_what_may_not_or_fails_again_is_for_the_client_to_repeat(
    service: Service, method: str, losses: int, attempts: int
) -> None:
    service.losses = losses
    answer = service.send(method)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert (service.attempts, _marks(service.database)) == (attempts, 0)


@pytest.mark.usefixtures("lost_commits")
def test_an_unconfirmed_commit_is_never_repeated_here(service: Service) -> None:
    answer = service.send("PUT")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "may be done, or not" in answer.json["detail"]
    assert service.attempts == 1
