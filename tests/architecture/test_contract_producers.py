"""What is emitted is what the contract says: each event class, and each event of any test."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from common.db import Database
from common.events import Envelope, Event, Outbox, emit, load_routes
from common.events.tables import metadata
from common.testing.contracts import only_valid_events, published_samples, violations
from common.testing.schemas import MakeSchema

SERVICES = ("auth", "catalog", "playlist", "media")


class Misspelt(Event):
    """Claims to be a session's end."""

    event_type: ClassVar = "auth.session.revoked.v1"
    subject_kind: ClassVar = "session"

    user_id: str
    revoked_at: str


@pytest.fixture
def database(make_schema: MakeSchema, contracts_dir: Path) -> Iterator[Database]:
    outbox = Outbox("/auth", load_routes(contracts_dir))
    database = Database(make_schema(tables=metadata), info={"outbox": outbox})
    yield database
    database.dispose()


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_emitted_looks_like_the_sample(
    contracts_build: ModuleType, contracts_dir: Path, service: str
) -> None:
    samples = published_samples(contracts_dir, service)
    published = contracts_build.published_events(service)
    assert [event.event_type for event in published] == list(samples)
    for event in published:
        sample = Envelope.model_validate(samples[event.event_type])
        data = event.model_validate(sample.data)
        emitted = Envelope.wrap(f"/{service}", data).model_dump(mode="json")
        expected = sample.model_dump(mode="json")
        for own in ("id", "time", "traceparent", "tracestate"):
            del emitted[own], expected[own]
        assert emitted == expected


def test_an_event_that_fits_its_schema_may_be_emitted(
    database: Database, contracts_dir: Path
) -> None:
    event = Misspelt(id="s", version=1, user_id="u", revoked_at="2026-11-24T10:00:00Z")
    with only_valid_events(contracts_dir), database.transaction() as session:
        emit(session, event)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [({"revoked_at": "yesterday"}, r"\$\.data\.revoked_at"), ({"version": -1}, r"\$\.sequence")],
)
def test_an_event_that_breaks_its_schema_fails_where_it_is_emitted_and_at_the_end(
    database: Database, contracts_dir: Path, wrong: dict[str, Any], where: str
) -> None:
    right = {"id": "s", "version": 1, "user_id": "u", "revoked_at": "2026-11-24T10:00:00Z"}
    event = Misspelt(**right | wrong)
    with (
        pytest.raises(AssertionError, match=where),
        only_valid_events(contracts_dir),
        # As an application does that answers 500 instead.
        pytest.raises(AssertionError, match=where),
        database.transaction() as session,
    ):
        emit(session, event)


def test_times_are_really_checked(contracts_dir: Path) -> None:
    sample = published_samples(contracts_dir, "auth")["auth.session.revoked.v1"]
    assert violations(contracts_dir, sample) == []
    naive = datetime.fromisoformat(sample["time"]).replace(tzinfo=None).isoformat()
    assert len(violations(contracts_dir, sample | {"time": naive})) == 1
