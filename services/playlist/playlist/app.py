"""The composition root of playlist's processes."""

from flask import Flask

from common.auth.tokens import TokenVerifier
from common.cache import Cache
from common.db import Database
from common.web import create_service_app
from playlist.http import entries, history, library, playlists
from playlist.settings import PlaylistSettings


def create_app(settings: PlaylistSettings, database: Database, verifier: TokenVerifier) -> Flask:
    """Assemble the application. Its answers are users' own, so none is cached."""
    return create_service_app(
        "playlist",
        database=database,
        verifier=verifier,
        apis=[playlists.api, entries.api, library.api, history.api],
        cors_origins=settings.cors_origins,
        cache=Cache(settings.cache_url, "playlist"),
    )
