"""What auth's tests share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from auth.app import create_app
from auth.services.keys import KeyRing
from auth.settings import AuthSettings
from common.db import Database
from common.testing.plugin import MakeDatabase

PASSWORD = "correct horse battery"

LogIn = Callable[..., dict[str, str]]


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    return make_database("auth")


@pytest.fixture
def settings(broker_url: str, cache_url: str, contracts_dir: Path) -> AuthSettings:
    return AuthSettings.model_validate(
        {
            "database_url": "sqlite://",
            "broker_url": broker_url,
            "cache_url": cache_url,
            "jwks_url": "http://unused.test",
            "token_issuer": "http://issuer.test",
            "contracts_dir": contracts_dir,
            "key_passphrase": "a passphrase for tests",
            "login_rate": "1000/minute",
            "login_address_rate": "1000/minute",
            "register_rate": "1000/minute",
        }
    )


@pytest.fixture
def app(settings: AuthSettings, database: Database) -> Flask:
    return create_app(settings, database)


@pytest.fixture
def client(app: Flask) -> Any:
    return app.test_client()


@pytest.fixture
def keys(app: Flask) -> KeyRing:
    ring: KeyRing = app.extensions["keys"]
    return ring


@pytest.fixture
def register(client: Any) -> Callable[..., dict[str, object]]:
    def make(username: str = "ann", **fields: object) -> dict[str, object]:
        body = {"email": f"{username}@example.org", "username": username, "password": PASSWORD}
        response = client.post("/api/v1/auth/register", json=body | fields)
        assert response.status_code == 201, response.text
        user: dict[str, object] = response.json
        return user

    return make


@pytest.fixture
def log_in(client: Any) -> LogIn:
    def make(username: str = "ann", password: str = PASSWORD, **fields: str) -> dict[str, str]:
        form = {"grant_type": "password", "username": username, "password": password}
        response = client.post("/api/v1/auth/token", data=form | fields)
        assert response.status_code == 200, response.text
        tokens: dict[str, str] = response.json
        return tokens | {"bearer": f"Bearer {response.json['access_token']}"}

    return make
