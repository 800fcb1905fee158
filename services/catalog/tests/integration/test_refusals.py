"""What becomes of a recording that catalog gives up."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from catalog.consumers import media
from catalog.models import Track
from catalog.worker import subscriptions
from common.db import Database, new_id, utcnow
from common.events import Envelope
from common.events.failures import replay_dead
from common.events.inbox import MAX_ATTEMPTS, receive, retry_due
from common.events.tables import inbox

MakeAsset = Callable[..., dict[str, Any]]
Deliver = Callable[..., str]

DESCRIBED = "media.asset.described.v1"
READY = "media.asset.ready.v1"
REFUSED = "catalog.asset.refused.v1"


@pytest.fixture
def give_up(database: Database) -> Callable[..., str]:
    """Return a function that receives an event and tries it until it is dead; gives its id."""

    def run(kind: str, data: dict[str, Any], **fields: str) -> str:
        of_asset = {"subject": f"asset/{data['id']}", "sequence": str(data["version"])}
        envelope = Envelope.model_validate(
            {"id": new_id(), "source": "/media", "type": kind, "time": utcnow(), "dataschema": "/x"}
            | of_asset
            | fields
            | {"data": data}
        )
        receive(database, subscriptions, envelope.model_dump_json().encode())
        for _ in range(MAX_ATTEMPTS - 1):
            with database.transaction() as session:
                mine = inbox.c.event_id == envelope.id
                assert session.scalar(select(inbox.c.state).where(mine)) == "retry"
                # The waits add up to more than an hour.
                session.execute(update(inbox).where(mine).values(next_at=envelope.time))
            retry_due(database, subscriptions)
        with database.reading() as session:
            assert session.scalar(select(inbox.c.state).where(mine)) == "dead"
        return envelope.id

    return run


@pytest.fixture
def refusals(emitted: Callable[[], list[Envelope]]) -> Callable[[], list[Envelope]]:
    """Return a function that gives what media is told of recordings that were given up."""
    return lambda: [envelope for envelope in emitted() if envelope.type == REFUSED]


def test_media_learns_of_a_recording_that_is_given_up(
    give_up: Callable[..., str],
    asset: MakeAsset,
    deliver: Deliver,
    refusals: Callable[[], list[Envelope]],
) -> None:
    data = asset("Secret", version=3)
    deliver(DESCRIBED, **data | {"version": 2})
    give_up(READY, data | {"duration_ms": "long"})
    (refused,) = refusals()
    assert (refused.subject, refused.sequence) == (f"asset/{data['id']}", "3")
    assert (refused.data["id"], refused.data["version"]) == (data["id"], 3)
    assert "Upload the file again" in refused.data["reason"]
    assert "duration_ms" not in refused.model_dump_json()


def test_a_replay_publishes_what_was_given_up(
    give_up: Callable[..., str],
    asset: MakeAsset,
    database: Database,
    refusals: Callable[[], list[Envelope]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect of ours")

    with monkeypatch.context() as broken:
        broken.setattr(media, "publish_track", fail)
        event_id = give_up(READY, asset())
    assert len(refusals()) == 1
    with database.transaction() as session:
        assert replay_dead(session, [event_id]) == [event_id]
    retry_due(database, subscriptions)
    with database.reading() as session:
        assert session.scalars(select(Track.state)).all() == ["published"]
    assert len(refusals()) == 1


def test_what_was_taken_over_meanwhile_is_not_refused(
    give_up: Callable[..., str],
    asset: MakeAsset,
    deliver: Deliver,
    refusals: Callable[[], list[Envelope]],
) -> None:
    data = asset(version=3)
    deliver(READY, **data | {"version": 6})
    give_up(READY, data | {"duration_ms": "long"})
    assert refusals() == []


def test_only_ready_ends_an_upload(
    give_up: Callable[..., str], asset: MakeAsset, refusals: Callable[[], list[Envelope]]
) -> None:
    give_up(DESCRIBED, asset(duration_ms="long"))
    assert refusals() == []


@pytest.mark.parametrize(
    "fields", [{"subject": "asset/1"}, {"subject": "x"}, {"sequence": "last"}, {"sequence": "0"}]
)
def test_an_event_about_nothing_is_only_dead(
    give_up: Callable[..., str],
    asset: MakeAsset,
    refusals: Callable[[], list[Envelope]],
    fields: dict[str, str],
) -> None:
    give_up(READY, asset(duration_ms="long"), **fields)
    assert refusals() == []
