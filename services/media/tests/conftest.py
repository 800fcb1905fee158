"""What media's tests share: real audio made by ffmpeg, the application, and jobs run inline."""

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from storages import (
    URL_SECRET,
    cloudinary_url,
    kept,
    make_old,
    player,
    standin,
    standin_process,
    storage,
    storage_kind,
)
from urllib3.filepost import encode_multipart_formdata
from werkzeug.test import TestResponse

from common.db import Database, new_id, utcnow
from common.events import Envelope
from common.events.tables import outbox
from common.jobs.tables import job
from common.testing.plugin import MakeDatabase
from common.testing.tokens import TestIssuer
from media.adapters.ffmpeg import Ffmpeg, find_ffmpeg
from media.app import create_app
from media.jobs import create_workshop
from media.ports import Storage
from media.services.erasure import make_eraser
from media.services.processing import Workshop
from media.settings import MediaSettings
from media.tasks import perform
from media.worker import subscriptions

__all__ = [  # fixtures that pytest finds here
    "cloudinary_url",
    "kept",
    "make_old",
    "player",
    "standin",
    "standin_process",
    "storage",
    "storage_kind",
]

ARTIST = ("catalog:read", "playback:read", "uploads:read", "uploads:write")

MakeAudio = Callable[..., Path]
Upload = Callable[..., TestResponse]
RunJobs = Callable[[], list[str]]
Deliver = Callable[..., None]
Emitted = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def ffmpeg_binary() -> Path:
    return find_ffmpeg(None)


@pytest.fixture
def ffmpeg(ffmpeg_binary: Path) -> Ffmpeg:
    return Ffmpeg(ffmpeg_binary, timeout_seconds=60)


@pytest.fixture(scope="session")
def run_ffmpeg(ffmpeg_binary: Path) -> Callable[..., str]:
    """Run ffmpeg directly, as the judge of what ours made; return its log."""

    def run(*arguments: object) -> str:
        command = [str(ffmpeg_binary), "-hide_banner", "-nostdin", "-y", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, check=True, timeout=60)
        return done.stderr.decode("utf-8", "replace")

    return run


@pytest.fixture
def make_audio(run_ffmpeg: Callable[..., str], tmp_path: Path) -> MakeAudio:
    """Make a real file: `make_audio("a.mp3", seconds=2, channels=2, rate=44100, title="x")`."""

    def make(
        name: str,
        *arguments: str,
        seconds: float = 2,
        channels: int = 2,
        rate: int = 44100,
        volume: float = 0.5,
        frequency: int = 440,
        **tags: object,
    ) -> Path:
        path = tmp_path / name
        tone = f"sine=frequency={frequency}:duration={seconds}:sample_rate={rate}"
        noise = f"anoisesrc=duration={seconds}:sample_rate={rate}:amplitude=0.05:seed=7"
        mix = f"[0:a][1:a]amix,volume={volume * 8},aformat=channel_layouts="
        metadata = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
        run_ffmpeg(
            "-loglevel", "error", "-f", "lavfi", "-i", tone, "-f", "lavfi", "-i", noise,
            "-filter_complex", mix + {1: "mono", 2: "stereo", 6: "5.1"}[channels],
            *metadata, *arguments, path,
        )  # fmt: skip
        return path

    return make


@pytest.fixture
def storage_dir(tmp_path: Path) -> Path:
    return tmp_path / "storage"


@pytest.fixture
def database(make_database: MakeDatabase) -> Database:
    return make_database("media")


@pytest.fixture
def settings(
    broker_url: str,
    cache_url: str,
    contracts_dir: Path,
    storage_dir: Path,
    issuer: TestIssuer,
    storage_kind: str,
    cloudinary_url: str | None,
) -> MediaSettings:
    given: dict[str, Any] = {
        "database_url": "sqlite://",
        "broker_url": broker_url,
        "cache_url": cache_url,
        "jwks_url": "http://unused.test",
        "token_issuer": issuer.url,
        "contracts_dir": contracts_dir,
        "storage": storage_kind,
        "cloudinary_url": cloudinary_url,
        "storage_dir": storage_dir,
        "url_secret": URL_SECRET,
        "max_upload_bytes": 5_000_000,
        "cors_origins": ("https://player.test",),
    }
    return MediaSettings(**given)


@pytest.fixture
def app(settings: MediaSettings, database: Database, issuer: TestIssuer) -> Flask:
    return create_app(settings, database, keys=issuer)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def artist_id() -> str:
    return new_id()


@pytest.fixture
def bearer(mint_token: Callable[..., str], artist_id: str) -> Callable[..., dict[str, str]]:
    """Return headers of a user: the artist unless told otherwise."""

    def make(user_id: str | None = None, **claims: Any) -> dict[str, str]:
        given = {"scopes": ARTIST, "roles": ("listener", "artist"), **claims}
        return {"Authorization": f"Bearer {mint_token(user_id=user_id or artist_id, **given)}"}

    return make


@pytest.fixture
def upload(client: FlaskClient, bearer: Callable[..., dict[str, str]]) -> Upload:
    """Upload a file or bytes as a user."""

    def send(
        content: Path | bytes,
        filename: str | None = None,
        *,
        user_id: str | None = None,
        metadata: object = None,
    ) -> TestResponse:
        data = content.read_bytes() if isinstance(content, Path) else content
        name = filename or (content.name if isinstance(content, Path) else "file.bin")
        form: dict[str, Any] = {"file": (name, data)}
        if metadata is not None:
            form["metadata"] = json.dumps(metadata)
        body, content_type = encode_multipart_formdata(form)
        headers = bearer(user_id)
        return client.post("/api/v1/uploads", data=body, content_type=content_type, headers=headers)

    return send


@pytest.fixture
def workshop(settings: MediaSettings, database: Database) -> Workshop:
    return create_workshop(settings, database, threading.Event())


@pytest.fixture
def run_jobs(database: Database, workshop: Workshop) -> RunJobs:
    """Do all queued jobs as a worker would, until none is left; return their kinds."""

    def run() -> list[str]:
        done: list[str] = []
        while True:
            with database.reading() as session:
                queued = session.execute(
                    select(job.c.id, job.c.kind).where(job.c.state == "queued", job.c.attempt == 0)
                ).first()
            if queued is None:
                return done
            assert perform(workshop, queued.kind, queued.id)
            done.append(queued.kind)

    return run


@pytest.fixture
def deliver(database: Database) -> Deliver:
    """Apply an event as the consumer would: `deliver("auth.user.deleted.v1", id=…, version=…)`."""

    def apply(kind: str, **data: Any) -> None:
        usual = {"version": 1, "downloadable": False, "updated_at": utcnow().isoformat()}
        envelope = Envelope(
            id=new_id(),
            source=f"/{kind.partition('.')[0]}",
            type=kind,
            subject=f"{kind.split('.')[1]}/{data['id']}",
            time=utcnow(),
            dataschema=f"/contracts/events/{kind}.json",
            sequence="1",
            data=usual | data,
        )
        with database.transaction() as session:
            subscriptions.apply(session, envelope)

    return apply


@pytest.fixture
def erase(
    database: Database, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Return a function that does the worker's chore of erasing deleted users, to the end."""
    monkeypatch.setattr("common.erasure._TURN_SECONDS", 60.0)
    return make_eraser(database, storage)


@pytest.fixture
def emitted(database: Database) -> Emitted:
    """Return the data of all events of a type, in order."""

    def read(kind: str) -> list[dict[str, Any]]:
        with database.reading() as session:
            rows = session.execute(
                select(outbox.c.envelope).where(outbox.c.type == kind).order_by(outbox.c.event_id)
            )
            return [json.loads(row.envelope)["data"] for row in rows]

    return read


@pytest.fixture
def no_leftovers(storage_dir: Path) -> Iterator[None]:
    """Fail a test that leaves temporary files behind."""
    yield
    assert list((storage_dir / "incoming").iterdir()) == []
