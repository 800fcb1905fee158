"""The composition root of auth's web process."""

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from auth.errors import OAuthError
from auth.http import documents, tokens, users
from auth.http.limits import register_limits
from auth.services.keys import KeyRing
from auth.settings import AuthSettings
from common.auth.tokens import create_verifier
from common.cache import Cache
from common.db import Database
from common.web import create_service_app


def create_app(settings: AuthSettings, database: Database) -> Flask:
    """Assemble the application."""
    issuer, audience = settings.token_issuer, settings.token_audience
    keys = KeyRing(database, settings.key_passphrase.get_secret_value(), issuer, audience)
    app = create_service_app(
        "auth",
        database=database,
        verifier=create_verifier(settings, database, keys),
        apis=[tokens.api, users.api, documents.api],
        cors_origins=settings.cors_origins,
        cache=Cache(settings.cache_url, "auth"),
    )
    app.extensions |= {"settings": settings, "keys": keys}
    app.register_blueprint(documents.pages)
    app.register_error_handler(OAuthError, _oauth_error)
    register_limits(app, settings.cache_url)
    return app


def _oauth_error(error: OAuthError) -> ResponseReturnValue:
    status = 401 if error.code == "invalid_client" else 400
    body = {"error": error.code, "error_description": error.description}
    return jsonify(body), status, {"Cache-Control": "no-store"}
