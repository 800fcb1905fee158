from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.db import Database
from common.testing.contracts import (
    Sample,
    assert_applied_once,
    assert_order_is_irrelevant,
    barest,
    consume,
    emitted_types,
    published_samples,
    received_samples,
    with_unknown_fields,
)
from common.testing.plugin import MakeDatabase
from playlist.worker import subscriptions


def test_the_use_cases_emit_every_event_that_playlist_publishes(
    client: Any,
    ann: dict[str, str],
    ann_id: str,
    make_track: Callable[..., str],
    make_playlist: Callable[..., str],
    send: Callable[..., None],
    erase: Callable[[], None],
    database: Database,
    contracts_dir: Path,
) -> None:
    track_id = make_track()
    path = f"/api/v1/playlists/{make_playlist(track_id)}"
    version = {"If-Match": client.get(path, headers=ann).headers["ETag"]}
    assert client.delete(path, headers=ann | version).status_code == 204
    saved = f"/api/v1/me/tracks/{track_id}"
    assert client.put(saved, headers=ann).status_code == 204
    assert client.delete(saved, headers=ann).status_code == 204
    play = {"track_id": track_id, "played_ms": 45_000}
    assert client.post("/api/v1/me/history", headers=ann, json=play).status_code == 201
    told = emitted_types(database)  # erasing removes what was told of the user
    send("auth.user.deleted.v1", ann_id, updated_at="2026-11-23T10:00:00Z")
    erase()
    assert told | emitted_types(database) == published_samples(contracts_dir, "playlist").keys()


def test_an_event_with_unknown_fields_is_applied_once(
    database: Database, received_sample: Sample
) -> None:
    assert_applied_once(database, subscriptions, with_unknown_fields(received_sample))


def test_an_event_with_as_little_as_its_schema_allows_is_applied(
    database: Database, received_sample: Sample, contracts_dir: Path
) -> None:
    consume(database, subscriptions, barest(contracts_dir, received_sample))


@pytest.mark.parametrize("without", ["nothing", ".deleted."])
def test_events_may_come_in_any_order(
    make_database: MakeDatabase, contracts_dir: Path, without: str
) -> None:
    samples = received_samples(contracts_dir, "playlist")
    assert_order_is_irrelevant(
        (make_database("playlist"), make_database("playlist")),
        subscriptions,
        [sample for kind, sample in samples.items() if without not in kind],
        {"track": "*", "artist": "*", "album": "*", "revocation": "kind, subject_id, revoked_at"},
    )
