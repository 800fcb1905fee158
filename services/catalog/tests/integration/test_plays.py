from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import select

from catalog.models import PlayCount, PlayDay
from common.db import Database, new_id

Deliver = Callable[..., str]
PLAYED = "playlist.track.played.v1"


def test_plays_add_up_by_track_and_day(
    publish: Callable[..., str], deliver: Deliver, database: Database
) -> None:
    track_id = publish()
    for at in ("2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-23T03:00:00+02:00"):
        deliver(PLAYED, track_id=track_id, played_at=at)
    with database.reading() as session:
        assert session.get_one(PlayCount, track_id).total == 3
        days = session.execute(select(PlayDay.day, PlayDay.total).order_by(PlayDay.day)).all()
        assert [tuple(day) for day in days] == [(date(2026, 11, 22), 1), (date(2026, 11, 23), 2)]


def test_the_same_play_counts_once(
    publish: Callable[..., str], deliver: Deliver, database: Database
) -> None:
    track_id, event_id = publish(), new_id()
    for _ in range(3):
        deliver(PLAYED, event_id=event_id, track_id=track_id, played_at="2026-11-23T00:00:00Z")
    with database.reading() as session:
        assert session.get_one(PlayCount, track_id).total == 1


def test_a_play_of_an_unknown_track_is_dropped(deliver: Deliver, database: Database) -> None:
    deliver(PLAYED, track_id=new_id(), played_at="2026-11-23T00:00:00Z")
    with database.reading() as session:
        assert session.scalars(select(PlayCount)).all() == []


def test_charts_count_what_is_published(
    publish: Callable[..., str],
    deliver: Deliver,
    get: Callable[..., Any],
    client: Any,
    owner: dict[str, str],
) -> None:
    first, second, hidden = publish("One"), publish("Two"), publish("Three")
    for track_id, plays in ((first, 1), (second, 2), (hidden, 3)):
        for _ in range(plays):
            deliver(PLAYED, track_id=track_id, played_at="2026-11-23T00:00:00Z")
    client.patch(f"/api/v1/tracks/{hidden}", json={"state": "hidden"}, headers=owner)
    top = get("/charts/top")["items"]
    assert [(e["position"], e["plays"], e["track"]["title"]) for e in top] == [
        (1, 2, "Two"),
        (2, 1, "One"),
    ]
    assert [e["track"]["title"] for e in get("/charts/new")["items"]] == ["Two", "One"]
    assert len(get("/charts/top", limit=1)["items"]) == 1
    get("/charts/top", limit=201, status=422)
    get("/charts/trending", status=404)
