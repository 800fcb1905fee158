from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from common.db import new_id, utcnow

Headers = dict[str, str]
Make = Callable[..., str]
PATH = "/api/v1/me/history"


def test_a_play_is_kept_and_told(
    client: Any, ann: Headers, ann_id: str, make_track: Make, emitted: Callable[..., Any]
) -> None:
    track_id = make_track()
    at = "2026-01-02T03:04:05.678000+02:00"
    body = {"track_id": track_id, "played_ms": 45_000, "played_at": at}
    made = client.post(PATH, headers=ann, json=body)
    assert made.status_code == 201
    expected = {"track_id": track_id, "played_ms": 45_000, "counted": True}
    assert made.json.items() >= expected.items()
    assert made.json["played_at"] == "2026-01-02T01:04:05.678000Z"
    (event,) = emitted("playlist.track.played.v1")
    assert event == {
        "id": made.json["id"],
        "version": 1,
        "user_id": ann_id,
        "track_id": track_id,
        "played_ms": 45_000,
        "played_at": made.json["played_at"],
    }


@pytest.mark.parametrize(
    ("played_ms", "duration_ms", "counts"),
    [(29_999, 200_000, False), (30_000, 200_000, True), (10_000, 20_000, True), (0, None, False)],
)
def test_only_long_enough_plays_are_told(
    client: Any,
    ann: Headers,
    make_track: Make,
    emitted: Callable[..., Any],
    played_ms: int,
    duration_ms: int | None,
    counts: bool,
) -> None:
    body = {"track_id": make_track(duration_ms=duration_ms), "played_ms": played_ms}
    made = client.post(PATH, headers=ann, json=body)
    assert (made.status_code, made.json["counted"]) == (201, counts)
    assert len(emitted("playlist.track.played.v1")) == counts


def test_a_play_sent_again_is_answered_the_same_and_told_once(
    client: Any,
    ann: Headers,
    make_track: Make,
    emitted: Callable[..., Any],
    send: Callable[..., None],
) -> None:
    track_id = make_track()
    body = {"track_id": track_id, "played_ms": 45_000, "play_id": new_id()}
    first = client.post(PATH, headers=ann, json=body)
    send("catalog.track.deleted.v1", track_id, 2)
    again = client.post(PATH, headers=ann, json=body | {"played_ms": 60_000})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert first.json["id"] == body["play_id"]
    assert len(emitted("playlist.track.played.v1")) == 1
    assert len(client.get(PATH, headers=ann).json["items"]) == 1


def test_two_users_may_choose_the_same_play_id(
    client: Any, ann: Headers, bob: Headers, make_track: Make
) -> None:
    body = {"track_id": make_track(), "played_ms": 45_000, "play_id": new_id()}
    assert client.post(PATH, headers=ann, json=body).status_code == 201
    assert client.post(PATH, headers=bob, json=body).status_code == 201
    assert len(client.get(PATH, headers=bob).json["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"played_ms": -1}, "played_ms"),
        ({"played_ms": 24 * 3600 * 1000 + 1}, "played_ms"),
        ({"played_ms": None}, "played_ms"),
        ({"track_id": new_id()}, "track_id"),
        ({"track_id": "x"}, "track_id"),
        ({"played_at": (utcnow() + timedelta(hours=1)).isoformat()}, "played_at"),
        ({"played_at": "9999-12-31T23:59:59-12:00"}, "played_at"),
        ({"played_at": "1999-12-31T23:59:59Z"}, "played_at"),
        ({"played_at": "0001-01-01T00:00:00+12:00"}, "played_at"),
        ({"played_at": "2026-01-01T00:00:00"}, "played_at"),
        ({"play_id": "x"}, "play_id"),
    ],
)
def test_a_bad_play_is_refused(
    client: Any, ann: Headers, make_track: Make, fields: dict[str, Any], wrong: str
) -> None:
    body = {"track_id": make_track(), "played_ms": 1000} | fields
    answer = client.post(PATH, headers=ann, json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [wrong]
    assert client.get(PATH, headers=ann).json["items"] == []


def test_clocks_of_clients_may_be_a_little_off(client: Any, ann: Headers, make_track: Make) -> None:
    at = (utcnow() + timedelta(seconds=5)).isoformat()
    body = {"track_id": make_track(), "played_ms": 1000, "played_at": at}
    assert client.post(PATH, headers=ann, json=body).status_code == 201


def test_the_history_is_listed_newest_first_in_pages(
    client: Any, ann: Headers, bob: Headers, make_artist: Make, make_track: Make
) -> None:
    artist_id = make_artist("Nina")
    track_id = make_track(artist_id, title="Sinnerman")
    for day in (3, 1, 5, 2, 4, 4):  # two at the very same time
        at = f"2026-01-0{day}T00:00:00Z"
        body = {"track_id": track_id, "played_ms": 1000, "played_at": at}
        assert client.post(PATH, headers=ann, json=body).status_code == 201
    assert client.get(PATH, headers=bob).json["items"] == []
    seen: list[dict[str, Any]] = []
    cursor = None
    while not seen or cursor:
        query: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(PATH, headers=ann, query_string=query).json
        seen += page["items"]
        cursor = page["next_cursor"]
    assert [item["played_at"][9] for item in seen] == ["5", "4", "4", "3", "2", "1"]
    assert len({item["id"] for item in seen}) == 6
    assert {item["title"] for item in seen} == {"Sinnerman"}
    assert all(item["artists"] == [{"id": artist_id, "name": "Nina"}] for item in seen)
