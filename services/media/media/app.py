"""The composition root of media's web process."""

from datetime import timedelta
from threading import BoundedSemaphore

from flask import Flask

from common.auth.jwks import KeySource
from common.auth.tokens import create_verifier
from common.cache import Cache
from common.db import Database
from common.web import create_service_app
from media.adapters.opening import open_storage
from media.http import assets, files, playback, uploads
from media.ports import Storage
from media.services.links import LinkSigner
from media.settings import MediaSettings


def create_app(
    settings: MediaSettings,
    database: Database,
    keys: KeySource | None = None,
    storage: Storage | None = None,
) -> Flask:
    """Assemble the application; tests give keys of their own."""
    app = create_service_app(
        "media",
        database=database,
        verifier=create_verifier(settings, database, keys),
        apis=[uploads.api, assets.api, playback.api, files.api],
        cors_origins=settings.cors_origins,
        cache=Cache(settings.cache_url, "media"),
    )
    ttl = timedelta(seconds=settings.url_ttl_seconds)
    app.extensions |= {
        "settings": settings,
        "storage": storage or open_storage(settings),
        # An upload holds its thread for as long as its client takes: leave some for others.
        "upload_places": BoundedSemaphore(max(1, settings.web_threads - 3)),
        "links": LinkSigner(settings.url_secret.get_secret_value(), ttl),
    }
    return app
