"""Uploads that the catalog gives up, takes after all, or takes without showing them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.db import new_id

Json = dict[str, Any]

REFUSED = "catalog.asset.refused.v1"
UPDATED = "catalog.track.updated.v1"
PUBLISHED = "catalog.track.published.v1"


@pytest.fixture
def audio(make_audio: Callable[..., Path]) -> Path:
    return make_audio("a.mp3", seconds=1)


@pytest.fixture
def ready(upload: Any, run_jobs: Any, audio: Path) -> Json:
    """An upload that is transcoded and that the catalog has not taken yet."""
    sent: Json = upload(audio).json
    run_jobs()
    return sent


@pytest.fixture
def state(client: Any, bearer: Callable[..., dict[str, str]]) -> Callable[[Json], Json]:
    """Return a function that reads an upload as its owner does."""

    def read(sent: Json) -> Json:
        found: Json = client.get(f"/api/v1/uploads/{sent['id']}", headers=bearer()).json
        return found

    return read


@pytest.fixture
def refuse(deliver: Any) -> Callable[[Json, int], None]:
    """Return a function that tells media that the catalog gave up a version of an asset."""

    def tell(sent: Json, version: int) -> None:
        deliver(REFUSED, id=sent["asset_id"], version=version, reason="not today")

    return tell


@pytest.fixture
def follow(deliver: Any, artist_id: str) -> Callable[..., str]:
    """Return a function that tells media of the asset's track; gives the track's id."""

    def tell(kind: str, sent: Json, **fields: Any) -> str:
        track = {"id": new_id(), "owner_id": artist_id, "asset_id": sent["asset_id"]}
        track |= {"state": "published", "has_audio": True} | fields
        deliver(kind, **track)
        return str(track["id"])

    return tell


@pytest.fixture
def version(emitted: Any) -> Callable[[], int]:
    """Return a function that gives the version of the asset that was ready last."""
    return lambda: int(emitted("media.asset.ready.v1")[-1]["version"])


def test_a_refusal_ends_the_upload(
    ready: Json, refuse: Callable[..., None], state: Callable[..., Json], version: Any
) -> None:
    refuse(ready, version() - 1)
    assert state(ready)["status"] == "transcoded"
    refuse(ready, version())
    ended = state(ready)
    assert (ended["status"], ended["failure"]) == ("failed", "not today")
    assert list(ended["stages"]) == ["received", "described", "transcoded", "failed"]


def test_the_catalog_may_take_it_after_all(
    ready: Json,
    refuse: Callable[..., None],
    follow: Callable[..., str],
    state: Callable[..., Json],
    version: Any,
) -> None:
    refuse(ready, version())
    track_id = follow(PUBLISHED, ready)
    refuse(ready, version())  # a late copy
    done = state(ready)
    assert (done["status"], done["failure"], done["track_id"]) == ("published", None, track_id)
    assert list(done["stages"]) == ["received", "described", "transcoded", "published"]


def test_the_same_bytes_again_are_a_new_attempt(
    ready: Json,
    upload: Any,
    audio: Path,
    run_jobs: Any,
    emitted: Any,
    refuse: Callable[..., None],
    follow: Callable[..., str],
    state: Callable[..., Json],
    version: Any,
    storage_dir: Path,
) -> None:
    refused = version()
    refuse(ready, refused)
    again = upload(audio)
    assert (again.status_code, again.json["id"]) == (202, ready["id"])
    assert list(again.json["stages"]) == ["received"]
    follow(PUBLISHED, ready, id=new_id(), version=1)
    assert state(ready)["status"] == "received"  # the attempt before may be taken, this one is on

    assert run_jobs() == ["media.describe", "media.transcode"]
    versions = [
        emitted(f"media.asset.{kind}.v1")[-1]["version"]
        for kind in ("received", "described", "ready")
    ]
    assert refused < versions[0] < versions[1] < versions[2]
    refuse(ready, refused)  # late news of the attempt before
    assert state(ready)["status"] == "transcoded"
    follow(UPDATED, ready)
    assert state(ready)["status"] == "published"
    folder = storage_dir / "renditions" / ready["asset_id"]
    assert sorted(path.name for path in folder.iterdir()) == ["attempt-1", "attempt-2"]
    assert len(emitted("media.asset.ready.v1")[-1]["renditions"]) == 3


def test_a_track_hidden_before_its_audio_was_ready_completes_its_upload(
    ready: Json, follow: Callable[..., str], state: Callable[..., Json]
) -> None:
    track_id = follow(UPDATED, ready, state="hidden", has_audio=False)
    assert (state(ready)["status"], state(ready)["track_id"]) == ("transcoded", track_id)
    follow(UPDATED, ready, id=track_id, state="hidden", version=2)
    assert state(ready)["status"] == "published"


def test_a_track_of_somebody_else_completes_nothing(
    ready: Json, follow: Callable[..., str], state: Callable[..., Json]
) -> None:
    follow(PUBLISHED, ready, owner_id=new_id())
    assert state(ready)["status"] == "transcoded"


def test_what_cannot_be_decoded_stays_failed(
    upload: Any, run_jobs: Any, follow: Callable[..., str], state: Callable[..., Json]
) -> None:
    sent = upload(b"this is no audio", filename="a.mp3").json
    run_jobs()
    follow(PUBLISHED, sent)
    assert state(sent)["status"] == "failed"
