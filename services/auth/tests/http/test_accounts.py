import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from auth.models import Role, User
from common.db import Database
from common.events.tables import outbox

Register = Callable[..., dict[str, object]]
LogIn = Callable[..., dict[str, str]]


def _bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": tokens["bearer"]}


def _make_admin(database: Database, user_id: object) -> None:
    with database.transaction() as session:
        user = session.get_one(User, user_id)
        user.role_names = " ".join(Role)


def test_one_reads_and_changes_ones_own_account(
    register: Register, log_in: LogIn, client: Any
) -> None:
    register()
    headers = _bearer(log_in())
    first = client.get("/api/v1/users/me", headers=headers)
    condition = {"If-None-Match": first.headers["ETag"]}
    again = client.get("/api/v1/users/me", headers=headers | condition)
    assert again.status_code == 304
    assert not again.data
    changed = client.patch("/api/v1/users/me", headers=headers, json={"display_name": "Ann!"})
    assert changed.json["display_name"] == "Ann!"
    assert client.get("/api/v1/users/me", headers=headers).json["display_name"] == "Ann!"


def test_a_new_password_ends_the_other_logins(
    register: Register, log_in: LogIn, client: Any
) -> None:
    register()
    tokens = log_in()
    headers = _bearer(tokens)
    change = {"password": "another good one"}
    assert client.patch("/api/v1/users/me", headers=headers, json=change).status_code == 200
    log_in(password="another good one")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert client.post("/api/v1/auth/token", data=form).status_code == 400


def test_deleting_an_account_tells_everybody_and_leaves_nothing(
    register: Register, log_in: LogIn, client: Any, database: Database
) -> None:
    user = register()
    headers = _bearer(log_in())
    assert client.delete("/api/v1/users/me", headers=headers).status_code == 204
    with database.reading() as session:
        assert session.get(User, user["id"]) is None
        types = session.scalars(select(outbox.c.type)).all()
    assert "auth.user.deleted.v1" in types
    assert client.get("/api/v1/users/me", headers=headers).status_code in (401, 404)
    register()  # the name is free again


def test_an_administrator_disables_and_enables(
    register: Register, log_in: LogIn, client: Any, database: Database
) -> None:
    ann, root = register("ann"), register("root")
    _make_admin(database, root["id"])
    victim, admin = log_in("ann"), _bearer(log_in("root"))
    path = f"/api/v1/users/{ann['id']}"
    assert client.get(path, headers=admin).json["enabled"] is True
    assert client.patch(path, headers=admin, json={"enabled": False}).json["enabled"] is False
    time.sleep(1.05)  # the revocation list is read again each second
    assert client.get("/api/v1/users/me", headers=_bearer(victim)).status_code == 401
    form = {"grant_type": "password", "username": "ann", "password": "correct horse battery"}
    assert client.post("/api/v1/auth/token", data=form).status_code == 400
    assert client.patch(path, headers=admin, json={"enabled": True}).status_code == 200
    log_in("ann")


def test_administration_needs_the_role(register: Register, log_in: LogIn, client: Any) -> None:
    ann = register("ann")
    headers = _bearer(log_in("ann"))
    path = f"/api/v1/users/{ann['id']}"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=headers).status_code == 403
    assert client.patch(path, headers=headers, json={"roles": ["admin"]}).status_code == 403


def test_a_narrowed_token_of_an_administrator_is_no_administrators(
    register: Register, log_in: LogIn, client: Any, database: Database
) -> None:
    root = register("root")
    _make_admin(database, root["id"])
    narrow = _bearer(log_in("root", scope="catalog:read profile:read"))
    assert client.get(f"/api/v1/users/{root['id']}", headers=narrow).status_code == 403


def test_who_loses_a_role_must_log_in_again(
    register: Register, log_in: LogIn, client: Any, database: Database
) -> None:
    ann, root = register("ann"), register("root")
    _make_admin(database, ann["id"])
    _make_admin(database, root["id"])
    demoted, admin = _bearer(log_in("ann")), _bearer(log_in("root"))
    change = {"roles": ["listener", "listener"]}
    changed = client.patch(f"/api/v1/users/{ann['id']}", headers=admin, json=change)
    assert changed.json["roles"] == ["listener"]
    time.sleep(1.05)  # the revocation list is read again each second
    assert client.get(f"/api/v1/users/{root['id']}", headers=demoted).status_code == 401


def test_an_unknown_user_and_an_impossible_id(
    register: Register, log_in: LogIn, client: Any, database: Database
) -> None:
    root = register("root")
    _make_admin(database, root["id"])
    headers = _bearer(log_in("root"))
    for user_id in ("01938b1c-7f10-7c3e-8f53-1d2b6a9e4c01", "nonsense", "..%2f..%2fetc"):
        response = client.get(f"/api/v1/users/{user_id}", headers=headers)
        assert response.status_code == 404
        assert response.mimetype == "application/problem+json"
