import json
from pathlib import Path

import pytest
from sqlalchemy import select

from common.db import Database
from common.events import Envelope
from common.events.inbox import receive
from common.events.tables import inbox
from common.testing.contracts import published_samples, received_samples, with_unknown_fields
from playlist import events
from playlist.consumers import subscriptions

PUBLISHED = {
    kind.event_type: kind
    for kind in (
        events.PlaylistCreated,
        events.PlaylistUpdated,
        events.PlaylistDeleted,
        events.TrackPlayed,
        events.TrackLiked,
        events.TrackUnliked,
        events.UserDataErased,
    )
}


def test_every_published_event_has_a_golden_sample(contracts_dir: Path) -> None:
    assert published_samples(contracts_dir, "playlist").keys() == PUBLISHED.keys()


@pytest.mark.parametrize("kind", PUBLISHED)
def test_what_is_emitted_looks_like_the_sample(contracts_dir: Path, kind: str) -> None:
    sample = Envelope.model_validate(published_samples(contracts_dir, "playlist")[kind])
    event = PUBLISHED[kind].model_validate(sample.data)
    emitted = Envelope.wrap("/playlist", event).model_dump(mode="json")
    expected = sample.model_dump(mode="json")
    for own in ("id", "time", "traceparent"):
        del emitted[own], expected[own]
    assert emitted == expected


def test_every_routed_event_has_a_handler(contracts_dir: Path) -> None:
    assert received_samples(contracts_dir, "playlist").keys() == subscriptions.types


def test_every_routed_sample_is_applied(contracts_dir: Path, database: Database) -> None:
    samples = received_samples(contracts_dir, "playlist")
    for sample in samples.values():
        body = json.dumps(with_unknown_fields(sample).model_dump(mode="json")).encode()
        receive(database, subscriptions, body)
    with database.reading() as session:
        rows = session.execute(select(inbox.c.type, inbox.c.state, inbox.c.last_error)).all()
    assert {row.type: (row.state, row.last_error) for row in rows} == dict.fromkeys(
        samples, ("done", None)
    )
