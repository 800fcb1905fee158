"""The composition root of playlist's processes."""

from common.auth import JwksClient, RevocationList, TokenVerifier
from common.cache import Cache
from common.db import Database
from common.events import Outbox, load_routes
from common.events.nudge import Nudge
from common.web import create_service_app
from flask import Flask

from playlist.http import entries, history, library, playlists
from playlist.settings import PlaylistSettings


def create_database(settings: PlaylistSettings) -> Database:
    """Open playlist's schema with the outbox that its sessions carry."""
    nudge = Nudge(settings.cache_url, "playlist")
    outbox = Outbox("/playlist", load_routes(settings.contracts_dir), nudge)
    return Database(settings.database_url, info={"outbox": outbox})


def create_verifier(settings: PlaylistSettings, database: Database) -> TokenVerifier:
    """Check tokens against auth's public keys and the revocations in playlist's schema."""
    return TokenVerifier(
        JwksClient(settings.jwks_url),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        revocations=RevocationList(database),
    )


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
