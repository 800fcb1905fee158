"""Registrations that come twice."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from auth.models import User
from common.db import Database, new_id
from common.idempotency import idempotency_key

LogIn = Callable[..., dict[str, str]]

PATH = "/api/v1/auth/register"
ANN = {"email": "ann@example.org", "username": "ann", "password": "correct horse battery"}


def _users(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


def test_a_registration_that_comes_again_gets_its_account(client: Any, database: Database) -> None:
    headers = {"Idempotency-Key": new_id()}
    first, again = (client.post(PATH, json=ANN, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert _users(database) == 1
    assert client.post(PATH, json=ANN).status_code == 409
    assert client.post(PATH, json=ANN, headers={"Idempotency-Key": new_id()}).status_code == 409


def test_who_knows_the_key_but_not_the_password_learns_nothing(client: Any) -> None:
    headers = {"Idempotency-Key": new_id()}
    user = client.post(PATH, json=ANN, headers=headers).json
    refused = client.post(PATH, json=ANN | {"password": "a guess, long enough"}, headers=headers)
    assert refused.status_code == 422
    assert user["id"] not in refused.text


def test_a_key_that_is_easily_guessed_is_refused(client: Any, database: Database) -> None:
    assert client.post(PATH, json=ANN, headers={"Idempotency-Key": "1"}).status_code == 400
    assert _users(database) == 0


def test_the_kept_answer_goes_with_the_account(
    client: Any, database: Database, log_in: LogIn
) -> None:
    for name in ("ann", "bob"):
        body = ANN | {"username": name, "email": f"{name}@example.org"}
        client.post(PATH, json=body, headers={"Idempotency-Key": new_id()})
    bearer = {"Authorization": log_in("ann")["bearer"]}
    assert client.delete("/api/v1/users/me", headers=bearer).status_code == 204
    with database.reading() as session:
        (body,) = session.scalars(select(idempotency_key.c.body))
    assert "bob@example.org" in body


def test_tokens_are_never_kept(client: Any, database: Database, log_in: LogIn) -> None:
    client.post(PATH, json=ANN)
    form = {"grant_type": "password", "username": "ann", "password": ANN["password"]}
    headers = {"Idempotency-Key": new_id()}
    answers = [client.post("/api/v1/auth/token", data=form, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json["refresh_token"] != answers[1].json["refresh_token"]
    with database.reading() as session:
        assert session.execute(select(idempotency_key)).all() == []
