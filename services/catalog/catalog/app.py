"""The composition root of catalog's web process."""

from common.auth import JwksClient, RevocationList, TokenVerifier
from common.cache import Cache
from common.db import Database
from common.events import Outbox, load_routes
from common.events.nudge import Nudge
from common.web import create_service_app
from flask import Flask

from catalog.http import albums, artists, charts, genres, lyrics, search, tracks
from catalog.settings import CatalogSettings


def create_database(settings: CatalogSettings) -> Database:
    """Open catalog's schema with the outbox and the cache that its sessions carry."""
    nudge = Nudge(settings.cache_url, "catalog")
    outbox = Outbox("/catalog", load_routes(settings.contracts_dir), nudge)
    cache = Cache(settings.cache_url, "catalog")
    return Database(settings.database_url, info={"outbox": outbox, "cache": cache})


def create_verifier(settings: CatalogSettings, database: Database) -> TokenVerifier:
    """Return what checks access tokens against auth's keys and the revocations known here."""
    return TokenVerifier(
        JwksClient(settings.jwks_url),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        revocations=RevocationList(database),
    )


def create_app(settings: CatalogSettings, database: Database, verifier: TokenVerifier) -> Flask:
    """Assemble the application."""
    modules = (artists, albums, tracks, lyrics, genres, search, charts)
    return create_service_app(
        "catalog",
        database=database,
        verifier=verifier,
        apis=[module.api for module in modules],
        cors_origins=settings.cors_origins,
        cache=Cache(settings.cache_url, "catalog"),
        open_scopes=frozenset({"catalog:read"} if settings.public_read else ()),
    )
