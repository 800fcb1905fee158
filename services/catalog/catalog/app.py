"""The composition root of catalog's web process."""

from flask import Flask

from catalog.http import albums, artists, charts, genres, lyrics, search, tracks
from catalog.settings import CatalogSettings
from common.auth.tokens import TokenVerifier
from common.cache import Cache
from common.db import Database
from common.web import create_service_app


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
