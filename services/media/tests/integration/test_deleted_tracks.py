"""Deleted tracks take their uploads along, in whatever order the news comes."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from common.db import Database, new_id
from common.jobs.tables import job
from media.models import Asset, Track, Upload

Json = dict[str, Any]
Tell = Callable[..., None]

UPDATED, PUBLISHED, DELETED = range(3)
HISTORY = (
    ("catalog.track.updated.v1", {"state": "draft", "has_audio": False}),
    ("catalog.track.published.v1", {"state": "published", "has_audio": True}),
    ("catalog.track.deleted.v1", {"state": "published", "has_audio": False}),
)
ORDERS = [
    order
    for length in (1, 2, 3)
    for order in itertools.permutations(range(3), length)
    if DELETED in order
]


@pytest.fixture
def sent(upload: Any) -> Json:
    """An upload that waits for its first job."""
    answer: Json = upload(b"ID3 and so on").json
    return answer


@pytest.fixture
def tell(deliver: Any, artist_id: str, sent: Json) -> Tell:
    """Return a function that tells media of a step in the life of the upload's track."""
    track_id = new_id()

    def send(step: int, **fields: Any) -> None:
        kind, says = HISTORY[step]
        track = {"id": track_id, "owner_id": artist_id, "asset_id": sent["asset_id"]}
        deliver(kind, **(track | {"version": step + 1} | says | fields))

    return send


def _uploads(database: Database) -> Sequence[str]:
    with database.reading() as session:
        return session.scalars(select(Upload.id)).all()


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(map(str, order)))
def test_every_order_and_every_duplicate_deletes_the_upload(
    order: tuple[int, ...],
    tell: Tell,
    upload: Any,
    sent: Json,
    emitted: Any,
    database: Database,
) -> None:
    for step in (*order, *order):
        tell(step)
    with database.reading() as session:
        (track,) = session.scalars(select(Track)).all()
        assert (track.deleted, track.src_version, track.asset_id) == (True, 3, None)
        assert session.scalars(select(Asset.id)).all() == []
        states = session.scalars(select(job.c.state).where(job.c.kind == "media.describe"))
        assert states.all() == ["cancelled"]
    assert _uploads(database) == []
    assert [event["id"] for event in emitted("media.asset.deleted.v1")] == [sent["asset_id"]]
    again = upload(b"ID3 and so on")
    assert (again.status_code, again.json["id"] == sent["id"]) == (202, False)


@pytest.mark.parametrize("order", [(DELETED,), (UPDATED, DELETED)], ids=len)
def test_a_track_of_somebody_else_takes_no_upload_along(
    order: tuple[int, ...], tell: Tell, sent: Json, database: Database
) -> None:
    thief = new_id()
    for step in order:
        tell(step, owner_id=thief)
    assert _uploads(database) == [sent["id"]]


def test_an_upload_stays_with_the_track_that_it_became(
    tell: Tell, sent: Json, database: Database
) -> None:
    tell(PUBLISHED)
    tell(DELETED, id=new_id())
    assert _uploads(database) == [sent["id"]]


def test_a_track_without_audio_takes_nothing_along(
    tell: Tell, sent: Json, database: Database
) -> None:
    tell(DELETED, asset_id=None)
    assert _uploads(database) == [sent["id"]]
