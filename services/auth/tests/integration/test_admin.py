import io
import sys
from pathlib import Path

import pytest

from auth.admin import main
from auth.models import Role
from auth.queries.users import find_by_login
from auth.services.accounts import register_user
from common.db import Database


@pytest.fixture(autouse=True)
def environment(
    database: Database, contracts_dir: Path, cache_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database.engine.url.render_as_string(hide_password=False)
    for name, value in {
        "AUTH_DATABASE_URL": url,
        "AUTH_KEY_PASSPHRASE": "a passphrase for tests",
        "BROKER_URL": cache_url,
        "CACHE_URL": cache_url,
        "CONTRACTS_DIR": str(contracts_dir),
        "JWKS_URL": "http://unused.test",
        "TOKEN_ISSUER": "http://issuer.test",
    }.items():
        monkeypatch.setenv(name, value)


def _create(monkeypatch: pytest.MonkeyPatch, email: str, username: str, password: str) -> None:
    arguments = ["auth.admin", "create", "--email", email, "--username", username]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    main()


def test_an_administrator_is_made(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    _create(monkeypatch, "root@example.org", "root", "long enough")
    with database.reading() as session:
        user = find_by_login(session, "root")
        assert user is not None
        assert user.roles == list(Role)


def test_an_administrator_is_held_to_the_rules_of_registration(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    with pytest.raises(SystemExit, match=r"email: .*\nusername: .*\npassword: "):
        _create(monkeypatch, "nowhere", "r t", "short")
    with database.reading() as session:
        assert find_by_login(session, "r t") is None


def test_a_registered_user_becomes_an_administrator(
    monkeypatch: pytest.MonkeyPatch, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as session:
        register_user(
            session,
            email="ada@example.org",
            username="ada",
            password_hash="unused",
            display_name=None,
            roles=[Role.LISTENER],
        )
    monkeypatch.setattr(sys, "argv", ["auth.admin", "promote", "--username", "Ada@Example.org"])
    main()
    assert "is an administrator" in capsys.readouterr().out
    with database.reading() as session:
        user = find_by_login(session, "ada")
        assert user is not None
        assert user.roles == list(Role)
        assert user.version == 2


def test_nobody_is_promoted_by_a_name_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["auth.admin", "promote", "--username", "nobody"])
    with pytest.raises(SystemExit, match="Nobody is registered as nobody"):
        main()
