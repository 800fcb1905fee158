from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from common.db import Database
from common.events.tables import outbox

Register = Callable[..., dict[str, object]]


def test_registration_gives_both_self_service_roles(register: Register) -> None:
    user = register("ann", display_name="Ann A.")
    assert user["roles"] == ["listener", "artist"]
    assert user["display_name"] == "Ann A."
    assert "password" not in str(user)


def test_registration_is_told_without_personal_data(register: Register, database: Database) -> None:
    user = register("ann")
    with database.reading() as session:
        row = session.execute(select(outbox)).one()
    assert row.type == "auth.user.registered.v1"
    assert row.subject == f"user/{user['id']}"
    assert "ann" not in row.envelope
    assert "example.org" not in row.envelope


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"username": "ANN", "email": "other@example.org"}, ["username"]),
        ({"username": "other", "email": "Ann@Example.org"}, ["email"]),
        ({"username": "ann", "email": "ann@example.org"}, ["email", "username"]),
    ],
)
def test_a_taken_name_is_refused_in_any_case(
    register: Register, client: Any, fields: dict[str, str], taken: list[str]
) -> None:
    register("ann")
    body = fields | {"password": "long enough"}
    response = client.post("/api/v1/auth/register", json=body)
    assert response.status_code == 409
    assert [error["field"] for error in response.json["errors"]] == taken


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"username": "a b"}, "username"),
        ({"password": "short"}, "password"),
        ({"extra": 1}, "extra"),
        ({"username": None}, "username"),
        ({"username": "\u0390" * 40}, "username"),  # folds to three letters each
        ({"email": "\u0390" * 200 + "@a.org"}, "email"),
    ],
)
def test_bad_input_names_the_field(client: Any, change: dict[str, Any], field: str) -> None:
    body = {"email": "a@example.org", "username": "ann", "password": "long enough"} | change
    response = client.post("/api/v1/auth/register", json=body)
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert [error["field"] for error in response.json["errors"]] == [field]
    assert "long enough" not in response.text


@pytest.mark.parametrize("data", [b"{", b"", b"\xff", b"[1,"])
def test_malformed_json_is_a_400(client: Any, data: bytes) -> None:
    response = client.post("/api/v1/auth/register", data=data, content_type="application/json")
    assert response.status_code == 400
    assert response.json["detail"].startswith("The body is not valid JSON")


def test_another_media_type_is_a_415(client: Any) -> None:
    response = client.post("/api/v1/auth/register", data="a=b")
    assert response.status_code == 415


def test_a_huge_body_is_a_413(client: Any) -> None:
    response = client.post(
        "/api/v1/auth/register", data=b"x" * (1 << 21), content_type="application/json"
    )
    assert response.status_code == 413
