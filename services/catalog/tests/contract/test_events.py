import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catalog.models import Asset
from catalog.worker import subscriptions
from common.cache import Cache
from common.db import Database
from common.events import Envelope
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


def test_the_use_cases_emit_every_event_that_catalog_publishes(
    publish: Callable[..., str],
    get: Callable[..., Any],
    client: Any,
    owner: dict[str, str],
    owner_id: str,
    deliver: Callable[..., str],
    erase: Callable[[], None],
    database: Database,
    contracts_dir: Path,
) -> None:
    track = get(f"/tracks/{publish()}")
    changed = {
        f"/tracks/{track['id']}": "title",
        f"/albums/{track['album']['id']}": "title",
        f"/artists/{track['credits'][0]['artist_id']}": "name",
    }
    for path, field in changed.items():
        answer = client.patch(f"/api/v1{path}", headers=owner, json={field: "Another"})
        assert answer.status_code == 200
    # Its album and artist go with it: nothing else needs them.
    assert client.delete(f"/api/v1/tracks/{track['id']}", headers=owner).status_code == 204
    given_up = received_samples(contracts_dir, "catalog")["media.asset.ready.v1"]
    with database.transaction() as session:
        subscriptions.bury(session, Envelope.model_validate(given_up))
    told = emitted_types(database)  # erasing removes what was told of the user
    deliver("auth.user.deleted.v1", id=owner_id, updated_at="2026-11-23T12:00:00Z")
    erase()
    assert told | emitted_types(database) == published_samples(contracts_dir, "catalog").keys()


def test_an_event_with_unknown_fields_is_applied_once(
    database: Database, received_sample: Sample
) -> None:
    assert_applied_once(database, subscriptions, with_unknown_fields(received_sample))


def test_an_event_with_as_little_as_its_schema_allows_is_applied(
    database: Database, received_sample: Sample, contracts_dir: Path
) -> None:
    consume(database, subscriptions, barest(contracts_dir, received_sample))


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        (
            r"media\.asset\.(described|ready)",
            {
                "asset": "id, owner_id, src_version, deleted",
                "track": "asset_id, state, title, has_audio, duration_ms, integrated_lufs",
            },
        ),
        (
            r"media\.asset\.",
            {"asset": "id, owner_id, src_version, deleted", "track": "COUNT(*)"},
        ),
    ],
    ids=["published", "deleted"],
)
def test_events_may_come_in_any_order(
    make_database: MakeDatabase,
    cache: Cache,
    contracts_dir: Path,
    kinds: str,
    kept: dict[str, str],
) -> None:
    samples = received_samples(contracts_dir, "catalog")
    assert_order_is_irrelevant(
        (make_database("catalog", cache=cache), make_database("catalog", cache=cache)),
        subscriptions,
        [sample for kind, sample in samples.items() if re.match(kinds, kind)],
        kept,
    )


def test_a_media_sample_becomes_a_track(
    contracts_dir: Path, database: Database, emitted: Callable[[], list[Envelope]]
) -> None:
    sample = received_samples(contracts_dir, "catalog")["media.asset.ready.v1"]
    consume(database, subscriptions, with_unknown_fields(sample))
    with database.reading() as session:
        assert session.get_one(Asset, sample["data"]["id"]).src_version == sample["data"]["version"]
    track = next(e for e in emitted() if e.type == "catalog.track.published.v1")
    assert track.data["asset_id"] == sample["data"]["id"]
    assert track.data["title"] == sample["data"]["metadata"]["title"]
    assert track.data["duration_ms"] == sample["data"]["duration_ms"]
