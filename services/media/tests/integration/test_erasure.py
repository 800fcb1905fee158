import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from common.auth.revocations import revocation
from common.db import Database, new_id, utcnow
from common.erasure import begin_erasure
from common.events import Envelope
from common.events.inbox import receive
from common.events.tables import outbox
from common.jobs.tables import job
from common.testing.contracts import rows
from media.models import Asset, Base, Track, Upload
from media.worker import subscriptions


def _files(storage_dir: Path) -> list[Path]:
    return [path for path in storage_dir.rglob("*") if path.is_file()]


@pytest.mark.parametrize("storage_kind", ["local", "cloudinary"])
def test_of_a_deleted_user_nothing_remains(
    database: Database,
    artist_id: str,
    upload: Any,
    run_jobs: Any,
    deliver: Any,
    erase: Callable[[], None],
    emitted: Any,
    make_audio: Callable[..., Path],
    kept: Callable[[], set[str]],
) -> None:
    other_id, audio = new_id(), make_audio("a.mp3", seconds=1)
    mine, others = upload(audio).json, upload(audio, user_id=other_id).json
    run_jobs()
    waiting = upload(make_audio("b.mp3", seconds=1, title="b")).json
    track_id = new_id()
    track = {"id": track_id, "owner_id": artist_id, "asset_id": mine["asset_id"]}
    deliver("catalog.track.published.v1", **track, state="published")

    deliver("auth.user.deleted.v1", id=artist_id)
    erase()
    with database.reading() as session:
        assert session.scalars(select(Upload.id)).all() == [others["id"]]
        assert session.scalars(select(Asset.owner_id)).all() == [other_id]
        assert session.scalar(select(func.count()).select_from(Track)) == 0
        states = session.execute(select(job.c.state)).scalars().all()
    assert sorted(states) == ["cancelled", "done", "done", "done", "done"]
    assert all(others["asset_id"] in key for key in kept())
    assert len(kept()) == 8
    deleted = {event["id"] for event in emitted("media.asset.deleted.v1")}
    assert deleted == {mine["asset_id"], waiting["asset_id"]}
    receipt = emitted("media.user_data.erased.v1")[0]
    # Two uploads, their assets and the jobs that were to delete their files, and a track.
    assert (receipt["id"], receipt["service"], receipt["rows"]) == (artist_id, "media", 7)

    # What was on its way cannot bring anything back, and the user's token is void.
    deliver("catalog.track.updated.v1", **track, state="published", version=9)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Track)) == 0
        assert session.scalar(select(revocation.c.kind)) == "user"


def test_an_upload_that_outlives_its_user_is_refused(
    database: Database, artist_id: str, upload: Any, storage_dir: Path
) -> None:
    with database.transaction() as session:
        begin_erasure(session, artist_id)
    assert upload(b"x").status_code == 403
    assert _files(storage_dir) == []


def test_erasing_somebody_who_left_nothing_still_gives_a_receipt(
    deliver: Any, erase: Callable[[], None], emitted: Any, artist_id: str
) -> None:
    deliver("auth.user.deleted.v1", id=artist_id)
    erase()
    assert emitted("media.user_data.erased.v1")[0]["rows"] == 0


def test_every_table_with_an_owner_is_erased() -> None:
    # A new table that names a user must be added to erase_some, and here.
    owners = {
        table.name
        for table in Base.metadata.tables.values()
        if {"owner_id", "user_id"} & set(table.columns.keys())
    }
    assert owners == {"asset", "upload", "track"}


def test_disabled_users_and_ended_sessions_are_locked_out(
    client: Any, mint_token: Callable[..., str], deliver: Any
) -> None:
    user_id, session_id = new_id(), new_id()

    def asks(**claims: Any) -> int:
        # Issued before the events, to the second.
        token = mint_token(scopes=["uploads:read"], iat=int(time.time()) - 5, **claims)
        headers = {"Authorization": f"Bearer {token}"}
        status: int = client.get("/api/v1/uploads", headers=headers).status_code
        return status

    deliver("auth.session.revoked.v1", id=session_id, revoked_at="2026-11-23T00:00:00Z")
    deliver("auth.user.disabled.v1", id=user_id)
    assert asks(session_id=session_id) == 401
    assert asks(user_id=user_id) == 401
    assert asks() == 200


def test_no_word_of_an_erased_user_is_kept(
    database: Database,
    artist_id: str,
    upload: Any,
    run_jobs: Any,
    client: Any,
    bearer: Callable[..., dict[str, str]],
    erase: Callable[[], None],
    make_audio: Callable[..., Path],
) -> None:
    def send(name: str, title: str) -> Any:
        audio = make_audio(name, seconds=1, title=title)
        return upload(audio, metadata={"lyrics": "hush now barley"}).json

    send("rue.mp3", "Tansy and Rue")
    run_jobs()
    gone = send("noon.mp3", "Sorrel at Noon")
    run_jobs()
    assert client.delete(f"/api/v1/uploads/{gone['id']}", headers=bearer()).status_code == 204
    send("night.mp3", "Comfrey by Night")
    secrets = ("Tansy and Rue", "barley", "Sorrel at Noon", "rue.mp3", "night.mp3")
    assert [word for word in secrets if not _tables_with(database, word)] == []

    _receive(database, "auth.user.deleted.v1", artist_id)
    erase()
    assert {word: found for word in secrets if (found := _tables_with(database, word))} == {}
    # An id remains where it blocks what comes late, and in events that hold no more than ids.
    assert _tables_with(database, artist_id) == {"erased_user", "inbox", "outbox", "revocation"}
    with database.reading() as session:
        kinds = set(session.scalars(select(outbox.c.type)))
    assert kinds == {"media.asset.deleted.v1", "media.user_data.erased.v1"}


def _tables_with(database: Database, words: str) -> set[str]:
    return {table for table, found in rows(database).items() if any(words in row for row in found)}


def _receive(database: Database, kind: str, subject_id: str) -> None:
    envelope = Envelope(
        id=new_id(),
        source="/auth",
        type=kind,
        subject=f"user/{subject_id}",
        time=utcnow(),
        dataschema="/x",
        sequence="2",
        data={"id": subject_id, "version": 2, "updated_at": utcnow().isoformat()},
    )
    receive(database, subscriptions, envelope.model_dump_json().encode())
