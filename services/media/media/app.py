"""The composition root of media's processes."""

from datetime import timedelta
from threading import Event

from common.auth import JwksClient, KeySource, RevocationList, TokenVerifier
from common.cache import Cache
from common.db import Database
from common.events import Outbox, Subscriptions, load_routes
from common.events.nudge import Nudge
from common.web import create_service_app
from flask import Flask

from media.adapters.ffmpeg import Ffmpeg, find_ffmpeg
from media.adapters.storage import LocalStorage
from media.adapters.transcoder import FfmpegTranscoder
from media.consumers import auth, catalog
from media.http import assets, files, playback, uploads
from media.ports import Storage
from media.services.links import LinkSigner
from media.services.processing import Workshop
from media.settings import MediaSettings


def create_database(settings: MediaSettings) -> Database:
    """Open media's schema with the outbox that its sessions carry."""
    nudge = Nudge(settings.cache_url, "media")
    outbox = Outbox("/media", load_routes(settings.contracts_dir), nudge)
    return Database(settings.database_url, info={"outbox": outbox})


def create_storage(settings: MediaSettings) -> LocalStorage:
    """Open the folder that holds the files."""
    return LocalStorage(settings.storage_dir)


def create_app(
    settings: MediaSettings,
    database: Database,
    keys: KeySource | None = None,
    storage: Storage | None = None,
) -> Flask:
    """Assemble the application; tests give keys of their own."""
    verifier = TokenVerifier(
        keys or JwksClient(settings.jwks_url),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        revocations=RevocationList(database),
    )
    app = create_service_app(
        "media",
        database=database,
        verifier=verifier,
        apis=[uploads.api, assets.api, playback.api, files.api],
        cors_origins=settings.cors_origins,
        cache=Cache(settings.cache_url, "media"),
    )
    ttl = timedelta(seconds=settings.url_ttl_seconds)
    app.extensions |= {
        "settings": settings,
        "storage": storage or create_storage(settings),
        "links": LinkSigner(settings.url_secret.get_secret_value(), ttl),
    }
    return app


def create_workshop(settings: MediaSettings, database: Database, stopping: Event) -> Workshop:
    """Bring together what the jobs work with; raises FileNotFoundError without ffmpeg."""
    ffmpeg = Ffmpeg(
        find_ffmpeg(settings.ffmpeg),
        threads=settings.ffmpeg_threads,
        timeout_seconds=settings.ffmpeg_timeout_seconds,
        memory_bytes=settings.ffmpeg_memory_bytes,
    )
    return Workshop(database, create_storage(settings), FfmpegTranscoder(ffmpeg), stopping)


def create_subscriptions(storage: Storage) -> Subscriptions:
    """Join the subscriptions of all upstream services."""
    return catalog.subscriptions | auth.make_subscriptions(storage)
