import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import select

from auth.app import create_app
from auth.services.keys import KeyRing, rotate_signing_key
from auth.settings import AuthSettings
from common.db import Database
from common.events.tables import outbox

Register = Callable[..., dict[str, object]]
LogIn = Callable[..., dict[str, str]]


def _token(client: Any, **form: str) -> tuple[int, dict[str, str]]:
    response = client.post("/api/v1/auth/token", data=form)
    return response.status_code, response.json


def _status(client: Any, bearer: str) -> int:
    response = client.get("/api/v1/users/me", headers={"Authorization": bearer})
    return int(response.status_code)


def test_a_password_buys_a_token_in_the_rfc_9068_profile(
    register: Register, log_in: LogIn, keys: KeyRing
) -> None:
    user = register()
    tokens = log_in(username="ANN@example.org")
    header = jwt.get_unverified_header(tokens["access_token"])
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    assert keys.find(header["kid"]) is not None
    assert claims["sub"] == user["id"]
    assert claims["exp"] - claims["iat"] == 600
    assert claims.keys() >= {"iss", "aud", "client_id", "jti", "scope", "roles", "sid"}
    assert set(claims["scope"].split()) >= {"catalog:read", "uploads:write"}


def test_a_scope_can_be_narrowed_and_not_widened(register: Register, client: Any) -> None:
    register()
    form = {"grant_type": "password", "username": "ann", "password": "correct horse battery"}
    status, body = _token(client, **form, scope="catalog:read")
    assert (status, body["scope"]) == (200, "catalog:read")
    status, body = _token(client, **form, scope="catalog:read root")
    assert (status, body["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "ann"}, "invalid_request"),
        ({"grant_type": "password", "username": "ann", "password": "no"}, "invalid_grant"),
        ({"grant_type": "password", "username": "bob", "password": "no"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, "invalid_grant"),
    ],
)
def test_errors_are_those_of_rfc_6749(
    register: Register, client: Any, form: dict[str, str], error: str
) -> None:
    register()
    status, body = _token(client, **form)
    assert (status, body["error"]) == (400, error)
    assert body["error_description"]


def test_a_refresh_token_works_once_and_a_replay_ends_the_session(
    register: Register, log_in: LogIn, client: Any, database: Database
) -> None:
    register()
    first = log_in()
    status, second = _token(
        client, grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    assert _status(client, f"Bearer {second['access_token']}") == 200

    status, body = _token(client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (status, body["error"]) == (400, "invalid_grant")
    status, body = _token(client, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert (status, body["error"]) == (400, "invalid_grant")
    with database.reading() as session:
        types = session.scalars(select(outbox.c.type)).all()
    assert types.count("auth.session.revoked.v1") == 1
    _wait_for_revocations()
    assert _status(client, f"Bearer {second['access_token']}") == 401


def test_logging_out_voids_the_access_token_within_a_second(
    register: Register, log_in: LogIn, client: Any
) -> None:
    register()
    tokens, other = log_in(), log_in()
    assert _status(client, tokens["bearer"]) == 200
    form = {"token": tokens["refresh_token"]}
    assert client.post("/api/v1/auth/revoke", data=form).status_code == 200
    assert client.post("/api/v1/auth/revoke", data={"token": "unknown"}).status_code == 200
    assert client.post("/api/v1/auth/revoke").status_code == 400
    _wait_for_revocations()
    assert _status(client, tokens["bearer"]) == 401
    assert _status(client, other["bearer"]) == 200


def test_keys_rotate_without_a_logout(
    register: Register,
    log_in: LogIn,
    client: Any,
    database: Database,
    settings: AuthSettings,
) -> None:
    register()
    old = log_in()
    with database.transaction() as session:
        new_key = rotate_signing_key(session, settings.key_passphrase.get_secret_value())
    later: Any = create_app(settings, database).test_client()
    published = [key["kid"] for key in later.get("/.well-known/jwks.json").json["keys"]]
    assert published[0] == new_key
    assert len(published) == 2
    assert _status(later, old["bearer"]) == 200
    status, fresh = _token(later, grant_type="refresh_token", refresh_token=old["refresh_token"])
    assert status == 200
    assert jwt.get_unverified_header(fresh["access_token"])["kid"] == new_key


def test_the_jwk_set_holds_no_private_part(client: Any) -> None:
    response = client.get("/.well-known/jwks.json")
    assert response.headers["Cache-Control"] == "public, max-age=300"
    (key,) = response.json["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_guessing_is_slowed_down(
    settings: AuthSettings, database: Database, register: Register
) -> None:
    register()
    app: Flask = create_app(settings.model_copy(update={"login_rate": "3/minute"}), database)
    client = app.test_client()
    form = {"grant_type": "password", "username": "ann", "password": "guess"}
    statuses = [client.post("/api/v1/auth/token", data=form).status_code for _ in range(5)]
    assert statuses == [400, 400, 400, 429, 429]
    refused = client.post("/api/v1/auth/token", data=form)
    assert refused.mimetype == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    other = client.post("/api/v1/auth/token", data=form | {"username": "bob"})
    assert other.status_code == 400


def test_trying_one_password_on_many_names_is_slowed_down(
    settings: AuthSettings, database: Database
) -> None:
    limited = settings.model_copy(update={"login_address_rate": "5/minute"})
    client = create_app(limited, database).test_client()
    form = {"grant_type": "password", "password": "letmein"}
    statuses = [
        client.post("/api/v1/auth/token", data=form | {"username": f"user{n}"}).status_code
        for n in range(7)
    ]
    assert statuses == [400] * 5 + [429] * 2


def _wait_for_revocations() -> None:
    time.sleep(1.05)  # web processes read the list again each second
