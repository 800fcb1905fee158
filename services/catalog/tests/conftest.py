"""What catalog's tests share."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from catalog.app import create_app
from catalog.services.erasure import make_eraser
from catalog.settings import CatalogSettings
from catalog.worker import subscriptions
from common.auth.tokens import TokenVerifier
from common.cache import Cache
from common.db import Database, new_id
from common.events import Envelope, open_database
from common.events.inbox import receive
from common.events.tables import inbox, outbox
from common.testing.plugin import MakeDatabase

Headers = Mapping[str, str]
Deliver = Callable[..., str]


@pytest.fixture
def settings(
    make_database: MakeDatabase, broker_url: str, cache_url: str, contracts_dir: Path
) -> CatalogSettings:
    url = make_database("catalog").engine.url.render_as_string(hide_password=False)
    return CatalogSettings.model_validate(
        {
            "database_url": url,
            "broker_url": broker_url,
            "cache_url": cache_url,
            "jwks_url": "http://unused.test",
            "token_issuer": "http://issuer.test",
            "contracts_dir": contracts_dir,
        }
    )


@pytest.fixture
def database(settings: CatalogSettings) -> Iterator[Database]:
    """The schema as the processes open it: with the outbox and the cache."""
    database = open_database("catalog", settings, cache=Cache(settings.cache_url, "catalog"))
    yield database
    database.dispose()


@pytest.fixture
def app(
    settings: CatalogSettings,
    database: Database,
    make_verifier: Callable[[Database], TokenVerifier],
) -> Flask:
    return create_app(settings, database, make_verifier(database))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def owner_id() -> str:
    return new_id()


@pytest.fixture
def bearer(mint_token: Callable[..., str]) -> Callable[..., Headers]:
    def make(user_id: str | None = None, *, scopes: str = "read write", **claims: Any) -> Headers:
        granted = [f"catalog:{scope}" for scope in scopes.split()]
        token = mint_token(user_id=user_id or new_id(), scopes=granted, **claims)
        return {"Authorization": f"Bearer {token}"}

    return make


@pytest.fixture
def owner(bearer: Callable[..., Headers], owner_id: str) -> Headers:
    return bearer(owner_id)


@pytest.fixture
def listener(bearer: Callable[..., Headers]) -> Headers:
    return bearer(scopes="read")


@pytest.fixture
def stranger(bearer: Callable[..., Headers]) -> Headers:
    """Somebody else who may write, but not here."""
    return bearer()


@pytest.fixture
def admin(bearer: Callable[..., Headers]) -> Headers:
    return bearer(roles=["listener", "admin"])


@pytest.fixture
def deliver(database: Database) -> Deliver:
    """Return a function that delivers an event as the worker does, and insists that it applied."""

    def run(event_type: str, *, event_id: str | None = None, **data: Any) -> str:
        version = data.setdefault("version", 1)
        subject_id = data.setdefault("id", new_id())
        source = event_type.split(".")[0]
        envelope = Envelope(
            id=event_id or new_id(),
            source=f"/{source}",
            type=event_type,
            subject=f"x/{subject_id}",
            time="2026-11-23T12:00:00Z",
            dataschema="/x",
            sequence=str(version),
            data=data,
        )
        receive(database, subscriptions, envelope.model_dump_json().encode())
        with database.reading() as session:
            row = session.execute(
                select(inbox.c.state, inbox.c.last_error).where(inbox.c.event_id == envelope.id)
            ).one()
        assert row.state == "done", row.last_error
        return str(subject_id)

    return run


@pytest.fixture
def erase(database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that does the worker's chore of erasing deleted users, to the end."""
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 60.0)
    return make_eraser(database)


@pytest.fixture
def asset(owner_id: str) -> Callable[..., dict[str, Any]]:
    """Return a function that makes the data of a `media.asset.*` event."""

    def make(title: str | None = "Under Pressure", **fields: Any) -> dict[str, Any]:
        tags = {"title": title, "artist": "Queen", "album": "Hot Space", "genres": ["Rock"]}
        tags |= fields.pop("tags", {})
        return {
            "id": new_id(),
            "version": 3,
            "owner_id": owner_id,
            "upload_id": new_id(),
            "state": "ready",
            "sha256": "0" * 64,
            "size_bytes": 1,
            "media_type": "audio/flac",
            "filename": "under_pressure.flac",
            "tags": tags,
            "metadata": {},
            "cover": None,
            "duration_ms": 248_000,
            "loudness": {"integrated_lufs": -9.5, "true_peak_dbtp": -0.3, "range_lu": 5.0},
            "renditions": [],
            "failure": None,
            "created_at": "2026-11-23T12:00:00Z",
            "updated_at": "2026-11-23T12:00:00Z",
        } | fields

    return make


@pytest.fixture
def publish(
    deliver: Deliver, asset: Callable[..., dict[str, Any]], database: Database
) -> Callable[..., str]:
    """Return a function that publishes a track as an upload does; gives the track's id."""

    def make(title: str = "Under Pressure", **fields: Any) -> str:
        data = asset(title, **fields)
        deliver("media.asset.ready.v1", **data)
        return track_of(database, data["id"])

    return make


@pytest.fixture
def draft(
    deliver: Deliver, asset: Callable[..., dict[str, Any]], database: Database
) -> Callable[..., str]:
    """Return a function that drafts a track as an upload does; gives the track's id."""

    def make(title: str = "Under Pressure", **fields: Any) -> str:
        data = asset(title, **fields)
        deliver("media.asset.described.v1", **data)
        return track_of(database, data["id"])

    return make


def track_of(database: Database, asset_id: str) -> str:
    from catalog.models import Track

    with database.reading() as session:
        return session.scalars(select(Track.id).where(Track.asset_id == asset_id)).one()


@pytest.fixture
def get(client: FlaskClient, listener: Headers) -> Callable[..., Any]:
    """Return a function that reads a path below /api/v1 and gives the JSON."""

    def read(path: str, *, by: Headers = listener, status: int = 200, **query: Any) -> Any:
        response: TestResponse = client.get(f"/api/v1{path}", headers=by, query_string=query)
        assert response.status_code == status, response.text
        return response.json

    return read


@pytest.fixture
def count_queries(database: Database) -> Callable[[], AbstractContextManager[list[str]]]:
    """Return a context manager that collects the SQL statements run inside it."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if not statement.startswith("BEGIN"):
                statements.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(database.engine, "before_cursor_execute", note)

    return counting


@pytest.fixture
def emitted(database: Database) -> Callable[[], list[Envelope]]:
    """Return a function that gives all events in the outbox, oldest first."""

    def read() -> list[Envelope]:
        with database.reading() as session:
            rows = session.scalars(select(outbox.c.envelope).order_by(outbox.c.event_id)).all()
        return [Envelope.model_validate_json(row) for row in rows]

    return read
