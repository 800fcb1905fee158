"""What a client is answered when a constraint of a real database refuses a row."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_openapi import APIBlueprint
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    insert,
    text,
)
from sqlalchemy.exc import OperationalError

from common.auth import public
from common.auth.tokens import TokenVerifier
from common.db import Database, is_refusal, new_metadata
from common.testing.schemas import MakeSchema
from common.web import create_service_app, writing

metadata = new_metadata()
shelf = Table("shelf", metadata, Column("id", Integer, primary_key=True, autoincrement=False))
book = Table(
    "book",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("title", String(50), nullable=False, unique=True),
    Column("shelf_id", Integer, ForeignKey("shelf.id"), nullable=False),
    Column("pages", Integer, nullable=False),
    CheckConstraint("pages > 0", name="pages"),
)
BOOK = {"id": 2, "title": "Emma", "shelf_id": 1, "pages": 400}


@pytest.fixture
def database(make_schema: MakeSchema) -> Any:
    database = Database(make_schema(tables=metadata))
    with database.transaction() as session:
        session.execute(insert(shelf).values(id=1))
        session.execute(insert(book).values(BOOK | {"id": 1, "title": "Persuasion"}))
    yield database
    database.dispose()


@pytest.fixture
def post(
    database: Database, make_verifier: Callable[[Database], TokenVerifier]
) -> Callable[..., Any]:
    """Return a function that has a book written as it is given."""
    given: dict[str, Any] = {}
    api = APIBlueprint("books", __name__)

    @api.post("/books")
    @public
    def write() -> Any:
        """Write."""
        with writing() as session:
            session.execute(insert(book).values(given))
        return {}

    @api.delete("/shelves")
    @public
    def remove() -> Any:
        """Remove."""
        with writing() as session:
            session.execute(shelf.delete())
        return {}

    verifier = make_verifier(database)
    app: Flask = create_service_app("auth", database=database, verifier=verifier, apis=[api])
    client: FlaskClient = app.test_client()

    def send(path: str = "/books", **values: Any) -> Any:
        given.clear()
        given.update(BOOK | values)
        return client.delete(path) if path == "/shelves" else client.post(path)

    return send


@pytest.mark.parametrize("same", [{"id": 1}, {"title": "Persuasion"}, {"shelf_id": 7}])
def test_what_a_race_may_be_is_a_conflict(post: Callable[..., Any], same: dict[str, Any]) -> None:
    refused = post(**same)
    assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
    assert "at the same time" in refused.json["detail"]
    assert post().status_code == 200


def test_what_others_refer_to_meanwhile_is_a_conflict(post: Callable[..., Any]) -> None:
    assert post("/shelves").status_code == 409


@pytest.mark.parametrize("wrong", [{"title": None}, {"pages": 0}])
def test_any_other_constraint_is_our_mistake_and_logged(
    post: Callable[..., Any], wrong: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    refused = post(**wrong)
    assert (refused.status_code, refused.mimetype) == (500, "application/problem+json")
    assert "Somebody" not in refused.json["detail"]
    assert "unexpected_error" in capsys.readouterr().out


def test_so_is_a_trigger_that_refuses(post: Callable[..., Any], database: Database) -> None:
    if database.dialect == "sqlite":
        refuse = "BEFORE INSERT ON book BEGIN SELECT RAISE(ABORT, 'no'); END"
        with database.transaction() as session:
            session.execute(text(f"CREATE TRIGGER refuse {refuse}"))
        assert post().status_code == 500
    else:  # the user of a service's processes makes no triggers, but may do what they do
        with pytest.raises(OperationalError) as refused, database.transaction() as session:
            session.execute(text("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'"))
        assert is_refusal(refused.value)
