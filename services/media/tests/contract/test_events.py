from pathlib import Path
from typing import Any

import pytest

from common.db import Database
from common.events import Envelope
from common.testing.contracts import published_samples, received_samples, with_unknown_fields
from media import events
from media.adapters.storage import LocalStorage
from media.worker import subscriptions

PUBLISHED = {
    kind.event_type: kind
    for kind in (
        events.AssetReceived,
        events.AssetDescribed,
        events.AssetReady,
        events.AssetFailed,
        events.AssetDeleted,
        events.UserDataErased,
    )
}


def test_every_published_event_has_a_golden_sample(contracts_dir: Path) -> None:
    assert published_samples(contracts_dir, "media").keys() == PUBLISHED.keys()


@pytest.mark.parametrize("kind", PUBLISHED)
def test_what_is_emitted_looks_like_the_sample(contracts_dir: Path, kind: str) -> None:
    sample = Envelope.model_validate(published_samples(contracts_dir, "media")[kind])
    event = PUBLISHED[kind].model_validate(sample.data)
    emitted = Envelope.wrap("/media", event).model_dump(mode="json")
    expected = sample.model_dump(mode="json")
    for own in ("id", "time", "traceparent"):
        del emitted[own], expected[own]
    assert emitted == expected


def test_every_routed_event_has_a_handler_that_takes_it(
    contracts_dir: Path, storage: LocalStorage, database: Database
) -> None:
    samples = received_samples(contracts_dir, "media")
    assert samples.keys() == subscriptions.types
    for sample in samples.values():
        with database.transaction() as session:
            session.info["storage"] = storage
            subscriptions.apply(session, with_unknown_fields(sample))


def test_what_the_service_really_emits_matches_the_schema(
    upload: Any, run_jobs: Any, emitted: Any, make_audio: Any, contracts_dir: Path
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
