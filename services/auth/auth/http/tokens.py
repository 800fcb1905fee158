"""The token and revocation endpoints (RFC 6749, RFC 7009)."""

from datetime import timedelta
from typing import Any

from flask import Response, current_app, request
from flask_openapi import APIBlueprint, RequestBody

from auth.errors import OAuthError
from auth.http.limits import limiter, login_key
from auth.http.schemas import TokenErrorOut, TokenOut
from auth.services.sessions import (
    Grant,
    authenticate,
    end_session,
    open_session,
    refresh_session,
)
from auth.settings import AuthSettings
from common.auth import public
from common.web import reading, writing

api = APIBlueprint("tokens", __name__, url_prefix="/api/v1/auth")


def _form(fields: dict[str, str]) -> RequestBody:
    properties = {name: {"type": "string", "description": text} for name, text in fields.items()}
    required = [name for name, text in fields.items() if not text.startswith("Optional")]
    schema = {"type": "object", "properties": properties, "required": required}
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return RequestBody.model_validate({"required": True, "content": content})


_TOKEN_FORM = _form(
    {
        "grant_type": "`password` or `refresh_token`",
        "username": "Optional: user name or e-mail address, for `password`",
        "password": "Optional: for `password`",
        "refresh_token": "Optional: for `refresh_token`",
        "scope": "Optional: space-separated; all that the roles allow when absent",
    }
)
_REVOCATION_FORM = _form(
    {"token": "The refresh token", "token_type_hint": "Optional: `refresh_token`"}
)


@api.post(
    "/token",
    request_body=_TOKEN_FORM,
    responses={200: TokenOut, 400: TokenErrorOut, 429: None},
)
@public
@limiter.limit(lambda: _settings().login_rate, key_func=login_key)
@limiter.limit(lambda: _settings().login_address_rate)
def token() -> Any:
    """Get an access token."""
    grants = {"password": _password_grant, "refresh_token": _refresh_grant}
    grant_type = _field("grant_type")
    if grant_type not in grants:
        raise OAuthError("unsupported_grant_type", "Use `password` or `refresh_token`.")
    return _token_response(grants[grant_type]())


@api.post("/revoke", request_body=_REVOCATION_FORM, responses={200: None, 400: TokenErrorOut})
@public
def revoke() -> Any:
    """Log out: end the session that a refresh token belongs to."""
    with writing() as session:
        end_session(session, _field("token"))
    return Response(status=200)


def _password_grant() -> Grant:
    with reading() as session:
        user = authenticate(session, _field("username"), _field("password"))
    lifetime = timedelta(days=_settings().refresh_token_days)
    with writing() as session:
        return open_session(session, user, scope=request.form.get("scope"), lifetime=lifetime)


def _refresh_grant() -> Grant:
    with writing() as session:
        grant = refresh_session(session, _field("refresh_token"), request.form.get("scope"))
    # After the commit: a replayed token must leave its session revoked.
    if grant is None:
        raise OAuthError("invalid_grant", "The refresh token is not valid; log in again.")
    return grant


def _token_response(grant: Grant) -> tuple[TokenOut, int, dict[str, str]]:
    seconds = _settings().access_token_seconds
    body = TokenOut(
        access_token=current_app.extensions["keys"].sign(grant, seconds),
        token_type="Bearer",  # noqa: S106 - a scheme, not a secret
        expires_in=seconds,
        refresh_token=grant.refresh_token,
        scope=grant.scope,
    )
    return body, 200, {"Cache-Control": "no-store"}


def _field(name: str) -> str:
    value = request.form.get(name, "")
    if not value:
        raise OAuthError("invalid_request", f"The form field `{name}` is missing.")
    return value


def _settings() -> AuthSettings:
    settings: AuthSettings = current_app.extensions["settings"]
    return settings
