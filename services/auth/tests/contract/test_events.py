from pathlib import Path

import pytest

from auth import events
from auth.consumers.erasures import subscriptions
from auth.models import ErasureReceipt
from common.db import Database, utcnow
from common.events import Envelope, emit
from common.testing.contracts import published_samples, received_samples, with_unknown_fields

PUBLISHED = {
    kind.event_type: kind
    for kind in (
        events.UserRegistered,
        events.UserUpdated,
        events.UserDisabled,
        events.UserDeleted,
        events.SessionRevoked,
    )
}


def test_every_published_event_has_a_golden_sample(contracts_dir: Path) -> None:
    assert published_samples(contracts_dir, "auth").keys() == PUBLISHED.keys()


@pytest.mark.parametrize("kind", PUBLISHED)
def test_what_is_emitted_looks_like_the_sample(contracts_dir: Path, kind: str) -> None:
    sample = Envelope.model_validate(published_samples(contracts_dir, "auth")[kind])
    event = PUBLISHED[kind].model_validate(sample.data)
    emitted = Envelope.wrap("/auth", event).model_dump(mode="json")
    expected = sample.model_dump(mode="json")
    for own in ("id", "time", "traceparent"):
        del emitted[own], expected[own]
    assert emitted == expected


def test_every_routed_event_has_a_handler(contracts_dir: Path) -> None:
    assert received_samples(contracts_dir, "auth").keys() == subscriptions.types


def test_receipts_of_all_services_are_kept(contracts_dir: Path, database: Database) -> None:
    samples = received_samples(contracts_dir, "auth")
    with database.transaction() as session:
        for sample in samples.values():
            subscriptions.apply(session, with_unknown_fields(sample))
    with database.reading() as session:
        assert session.query(ErasureReceipt).count() == len(samples) == 3


def test_emitting_an_event_nobody_routes_is_an_error(
    database: Database,
) -> None:
    class Unrouted(events.SessionRevoked):
        event_type = "auth.nobody.listens.v1"

    event = Unrouted(id="x", version=1, user_id="y", revoked_at=utcnow())
    with pytest.raises(LookupError, match=r"subscribers\.yaml"), database.transaction() as session:
        emit(session, event)
