from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from catalog import events
from catalog.models import Asset, ErasedUser
from catalog.worker import subscriptions
from common.db import Database
from common.events import Envelope
from common.testing.contracts import published_samples, received_samples, with_unknown_fields

PUBLISHED = {
    kind.event_type: kind
    for kind in (
        events.ArtistPublished,
        events.ArtistUpdated,
        events.ArtistDeleted,
        events.AlbumPublished,
        events.AlbumUpdated,
        events.AlbumDeleted,
        events.TrackPublished,
        events.TrackUpdated,
        events.TrackDeleted,
        events.UserDataErased,
    )
}


def test_every_published_event_has_a_golden_sample(contracts_dir: Path) -> None:
    assert published_samples(contracts_dir, "catalog").keys() == PUBLISHED.keys()


@pytest.mark.parametrize("kind", PUBLISHED)
def test_what_is_emitted_looks_like_the_sample(contracts_dir: Path, kind: str) -> None:
    sample = Envelope.model_validate(published_samples(contracts_dir, "catalog")[kind])
    event = PUBLISHED[kind].model_validate(sample.data)
    emitted = Envelope.wrap("/catalog", event).model_dump(mode="json")
    expected = sample.model_dump(mode="json")
    for own in ("id", "time", "traceparent"):
        del emitted[own], expected[own]
    assert emitted == expected


def test_every_routed_event_has_a_handler(contracts_dir: Path) -> None:
    assert received_samples(contracts_dir, "catalog").keys() == subscriptions.types


def test_every_routed_sample_is_applied(contracts_dir: Path, database: Database) -> None:
    samples = received_samples(contracts_dir, "catalog")
    for sample in samples.values():
        with database.transaction() as session:
            subscriptions.apply(session, with_unknown_fields(sample))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ErasedUser)) == 1


def test_a_media_sample_becomes_a_track(
    contracts_dir: Path, database: Database, emitted: Callable[[], list[Envelope]]
) -> None:
    sample = received_samples(contracts_dir, "catalog")["media.asset.ready.v1"]
    with database.transaction() as session:
        subscriptions.apply(session, with_unknown_fields(sample))
    with database.reading() as session:
        assert session.get_one(Asset, sample["data"]["id"]).src_version == sample["data"]["version"]
    track = next(e for e in emitted() if e.type == "catalog.track.published.v1")
    assert track.data["asset_id"] == sample["data"]["id"]
    assert track.data["title"] == sample["data"]["metadata"]["title"]
    assert track.data["duration_ms"] == sample["data"]["duration_ms"]
