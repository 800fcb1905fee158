"""Rate limits against guessing: a sliding window in Redis, in memory while Redis is away."""

import hashlib

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from auth.models import User

limiter = Limiter(get_remote_address, strategy="sliding-window-counter", headers_enabled=True)


def login_key() -> str:
    """Limit guesses per address and account, so that one attacker does not lock out everybody."""
    given = request.form.get("username") or request.form.get("refresh_token", "")
    digest = hashlib.blake2b(User.key(given).encode(), digest_size=16).hexdigest()
    return f"{get_remote_address()}|{digest}"


def register_limits(app: Flask, cache_url: str) -> None:
    """Turn the limits on."""
    app.config["RATELIMIT_STORAGE_URI"] = cache_url.replace("unix://", "redis+unix://")
    app.config["RATELIMIT_KEY_PREFIX"] = "antiphon.auth.limit"
    app.config["RATELIMIT_IN_MEMORY_FALLBACK_ENABLED"] = True
    limiter.init_app(app)
