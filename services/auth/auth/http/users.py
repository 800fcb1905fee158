"""Accounts: registration, one's own profile, and what administrators do."""

from typing import Any

from flask import Response, current_app
from flask_openapi import APIBlueprint

from auth.http.limits import limiter
from auth.http.schemas import AccountChange, ProfileChange, Registration, UserOut, UserPath
from auth.models import Role
from auth.queries.users import find_user
from auth.services.accounts import (
    change_account,
    delete_account,
    register_user,
    update_profile,
)
from auth.services.passwords import hash_password
from common.auth import current_identity, public, requires
from common.web import idempotent, reading, writing
from common.web.idempotency import answer_belongs_to

api = APIBlueprint("users", __name__, url_prefix="/api/v1")


@api.post("/auth/register", responses={201: UserOut, 409: None, 429: None})
@public
@limiter.limit(lambda: current_app.extensions["settings"].register_rate)
@idempotent
def register(body: Registration) -> Any:
    """Make an account."""
    self_service = current_app.extensions["settings"].self_service_artist
    password_hash = hash_password(body.password.get_secret_value())
    with writing() as session:
        user = register_user(
            session,
            email=body.email,
            username=body.username,
            password_hash=password_hash,
            display_name=body.display_name,
            roles=[Role.LISTENER, Role.ARTIST] if self_service else [Role.LISTENER],
        )
        answer_belongs_to(user.id)
        return UserOut.model_validate(user), 201


@api.get("/users/me", responses={200: UserOut})
@requires(scope="profile:read")
def read_me() -> Any:
    """Read one's own account."""
    with reading() as session:
        return UserOut.model_validate(find_user(session, current_identity().user_id))


@api.patch("/users/me", responses={200: UserOut})
@requires(scope="profile:write")
def change_me(body: ProfileChange) -> Any:
    """Change one's display name or password."""
    password_hash = hash_password(body.password.get_secret_value()) if body.password else None
    with writing() as session:
        user = update_profile(
            session,
            current_identity().user_id,
            display_name=body.display_name,
            password_hash=password_hash,
        )
        return UserOut.model_validate(user)


@api.delete("/users/me", responses={204: None})
@requires(scope="profile:write")
def delete_me() -> Any:
    """Delete one's account and everything that belongs to it, in every service."""
    with writing() as session:
        delete_account(session, current_identity().user_id)
    return Response(status=204)


@api.get("/users/<uuid:user_id>", responses={200: UserOut})
@requires(role="admin")
def read_user(path: UserPath) -> Any:
    """Read an account."""
    with reading() as session:
        return UserOut.model_validate(find_user(session, str(path.user_id)))


@api.patch("/users/<uuid:user_id>", responses={200: UserOut})
@requires(role="admin")
def change_user(path: UserPath, body: AccountChange) -> Any:
    """Set an account's roles, or disable and enable it."""
    with writing() as session:
        user = change_account(session, str(path.user_id), roles=body.roles, enabled=body.enabled)
        return UserOut.model_validate(user)
