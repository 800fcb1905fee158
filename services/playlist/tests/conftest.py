"""What playlist's tests share."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from common.auth import Identity
from common.auth.tokens import TokenVerifier
from common.db import Database, new_id
from common.events import Envelope
from common.events.inbox import receive
from common.events.tables import outbox
from common.testing.plugin import MakeDatabase
from playlist.app import create_app
from playlist.services.erasure import make_eraser
from playlist.settings import PlaylistSettings
from playlist.worker import subscriptions

SCOPES = ("playlist:read", "playlist:write", "library:read", "library:write")

Headers = dict[str, str]
Send = Callable[..., None]


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    return make_database("playlist")


@pytest.fixture
def settings(broker_url: str, cache_url: str, contracts_dir: Path) -> PlaylistSettings:
    fields: dict[str, Any] = {
        "database_url": "sqlite://",
        "broker_url": broker_url,
        "cache_url": cache_url,
        "jwks_url": "http://unused.test",
        "token_issuer": "http://issuer.test",
        "contracts_dir": contracts_dir,
    }
    return PlaylistSettings(**fields)


@pytest.fixture
def app(
    settings: PlaylistSettings,
    database: Database,
    make_verifier: Callable[[Database], TokenVerifier],
) -> Flask:
    return create_app(settings, database, make_verifier(database))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def log_in(mint_token: Callable[..., str]) -> Callable[..., Headers]:
    """Return a function that gives a user's headers, by default with all of playlist's scopes."""

    def make(user_id: str | None = None, **claims: Any) -> Headers:
        token = mint_token(**{"user_id": user_id or new_id(), "scopes": SCOPES} | claims)
        return {"Authorization": f"Bearer {token}"}

    return make


@pytest.fixture
def ann_id() -> str:
    return new_id()


@pytest.fixture
def ann(log_in: Callable[..., Headers], ann_id: str) -> Headers:
    return log_in(ann_id)


@pytest.fixture
def bob(log_in: Callable[..., Headers]) -> Headers:
    return log_in()


@pytest.fixture
def admin(log_in: Callable[..., Headers]) -> Headers:
    return log_in(roles=("listener", "admin"))


@pytest.fixture
def identify() -> Callable[..., Identity]:
    """Return a function that makes the identity of a listener, or of someone with other roles."""

    def make(user_id: str | None = None, *roles: str) -> Identity:
        who = user_id or new_id()
        return Identity(who, new_id(), frozenset(roles or ("listener",)), frozenset(), 0, 0)

    return make


@pytest.fixture
def send(database: Database) -> Send:
    """Return a function that lets the service consume an event: `send(type, id, version, …)`."""

    def deliver(kind: str, subject_id: str, version: int = 1, **data: Any) -> None:
        source, subject_kind = kind.split(".")[:2]
        envelope = Envelope(
            id=new_id(),
            source=f"/{source}",
            type=kind,
            subject=f"{subject_kind}/{subject_id}",
            time="2026-11-23T10:00:00Z",
            dataschema=f"/contracts/events/{kind}.json",
            sequence=str(version),
            data={"id": subject_id, "version": version, **data},
        )
        receive(database, subscriptions, envelope.model_dump_json().encode())

    return deliver


@pytest.fixture
def erase(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that does the worker's chore of erasing deleted users, to the end."""
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 60.0)
    return make_eraser(database)


@pytest.fixture
def make_artist(send: Send) -> Callable[..., str]:
    """Return a function that makes catalog tell of an artist; gives its id."""

    def make(name: str = "Nina", **fields: Any) -> str:
        artist_id = fields.pop("id", None) or new_id()
        usual = {"owner_id": new_id(), "name": name}
        send("catalog.artist.published.v1", artist_id, **usual | fields)
        return artist_id

    return make


@pytest.fixture
def make_track(send: Send) -> Callable[..., str]:
    """Return a function that makes catalog tell of a track; gives its id."""
    numbers = itertools.count(1)

    def make(artist_id: str | None = None, **fields: Any) -> str:
        track_id = fields.pop("id", None) or new_id()
        credit = {"artist_id": artist_id, "role": "primary"}
        usual = {
            "owner_id": new_id(),
            "title": f"Track {next(numbers)}",
            "album_id": None,
            "credits": [credit] if artist_id else [],
            "duration_ms": 200_000,
            "state": "published",
        }
        send("catalog.track.published.v1", track_id, **usual | fields)
        return track_id

    return make


@pytest.fixture
def make_playlist(client: Any, ann: Headers) -> Callable[..., str]:
    """Return a function that makes a playlist with tracks, Ann's by default; gives its id."""

    def make(*track_ids: str, headers: Headers = ann, **fields: Any) -> str:
        made = client.post("/api/v1/playlists", headers=headers, json={"name": "Mix"} | fields)
        assert made.status_code == 201, made.text
        playlist_id: str = made.json["id"]
        for start in range(0, len(track_ids), 200):
            path = f"/api/v1/playlists/{playlist_id}/entries"
            body = {"track_ids": track_ids[start : start + 200]}
            assert client.post(path, headers=headers, json=body).status_code == 201
        return playlist_id

    return make


@pytest.fixture
def emitted(database: Database) -> Callable[..., list[Mapping[str, Any]]]:
    """Return a function that gives the data of the published events of a type, oldest first."""

    def find(kind: str) -> list[Mapping[str, Any]]:
        with database.reading() as session:
            query = select(outbox.c.envelope).where(outbox.c.type == kind)
            rows = session.scalars(query.order_by(outbox.c.event_id)).all()
        return [orjson.loads(row)["data"] for row in rows]

    return find


@pytest.fixture
def count_queries(database: Database) -> Callable[..., Any]:
    """Return a context manager that collects the statements run inside it."""

    @contextmanager
    def count() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(*arguments: Any) -> None:
            statements.append(arguments[2])

        event.listen(database.engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(database.engine, "before_cursor_execute", note)

    return count
