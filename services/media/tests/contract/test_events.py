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
from media.worker import subscriptions


def test_the_use_cases_emit_every_event_that_media_publishes(
    upload: Any,
    run_jobs: Any,
    deliver: Any,
    erase: Callable[[], None],
    client: Any,
    bearer: Callable[..., dict[str, str]],
    artist_id: str,
    make_audio: Callable[..., Path],
    database: Database,
    contracts_dir: Path,
) -> None:
    sent = upload(make_audio("a.mp3", seconds=1, title="x"), metadata={"artist": "y"}).json
    upload(b"this is no audio", filename="a.mp3")
    run_jobs()
    assert client.delete(f"/api/v1/uploads/{sent['id']}", headers=bearer()).status_code == 204
    told = emitted_types(database)  # erasing removes what was told of the user
    deliver("auth.user.deleted.v1", id=artist_id)
    erase()
    assert told | emitted_types(database) == published_samples(contracts_dir, "media").keys()


def test_what_is_emitted_has_each_field_of_the_sample(
    upload: Any, run_jobs: Any, emitted: Any, make_audio: Callable[..., Path], contracts_dir: Path
) -> None:
    upload(make_audio("a.mp3", seconds=1, title="x"), metadata={"artist": "y"})
    run_jobs()
    for state in ("received", "described", "ready"):
        kind = f"media.asset.{state}.v1"
        (data,) = emitted(kind)
        sample = published_samples(contracts_dir, "media")[kind]["data"]
        assert data.keys() == sample.keys()
        assert data["metadata"].keys() == sample["metadata"].keys()
        assert data["state"] == state


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
    samples = received_samples(contracts_dir, "media")
    # Of a user who is gone nothing is kept: the deletion has a test of its own.
    del samples["auth.user.deleted.v1"]
    assert_order_is_irrelevant(
        (make_database("media"), make_database("media")),
        subscriptions,
        [sample for kind, sample in samples.items() if without not in kind],
        {"track": "*", "revocation": "kind, subject_id, revoked_at"},
    )
