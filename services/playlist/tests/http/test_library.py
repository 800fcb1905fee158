from collections.abc import Callable
from typing import Any

from common.db import new_id

Headers = dict[str, str]
Make = Callable[..., str]
PATH = "/api/v1/me/tracks"


def test_liking_and_unliking_may_be_repeated(
    client: Any, ann: Headers, ann_id: str, make_track: Make, emitted: Callable[..., Any]
) -> None:
    track_id = make_track()
    path = f"{PATH}/{track_id}"
    assert client.get(path, headers=ann).status_code == 404
    for _ in range(3):
        assert client.put(path, headers=ann).status_code == 204
    assert client.get(path, headers=ann).status_code == 204
    for _ in range(3):
        assert client.delete(path, headers=ann).status_code == 204
    assert client.get(path, headers=ann).status_code == 404
    client.put(path, headers=ann)
    liked, unliked = emitted("playlist.track.liked.v1"), emitted("playlist.track.unliked.v1")
    assert [event["version"] for event in liked] == [1, 3]
    assert [event["version"] for event in unliked] == [2]
    assert {event["id"] for event in liked + unliked} == {track_id}
    assert {event["user_id"] for event in liked + unliked} == {ann_id}


def test_what_one_cannot_see_one_cannot_like(
    client: Any, ann: Headers, make_track: Make, send: Callable[..., None]
) -> None:
    gone = make_track()
    send("catalog.track.deleted.v1", gone, 2)
    for track_id in (new_id(), make_track(state="draft"), make_track(state="hidden"), gone):
        assert client.put(f"{PATH}/{track_id}", headers=ann).status_code == 404
    assert client.get(PATH, headers=ann).json["items"] == []


def test_unliking_what_was_never_liked_is_fine(client: Any, ann: Headers) -> None:
    assert client.delete(f"{PATH}/{new_id()}", headers=ann).status_code == 204


def test_likes_are_listed_newest_first_in_pages(
    client: Any, ann: Headers, bob: Headers, make_artist: Make, make_track: Make
) -> None:
    artist_id = make_artist("Nina")
    tracks = [make_track(artist_id, title=str(number)) for number in range(5)]
    for track_id in tracks:
        client.put(f"{PATH}/{track_id}", headers=ann)
    client.put(f"{PATH}/{tracks[0]}", headers=bob)
    client.delete(f"{PATH}/{tracks[1]}", headers=ann)
    seen: list[dict[str, Any]] = []
    cursor = None
    while not seen or cursor:
        query: dict[str, Any] = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = client.get(PATH, headers=ann, query_string=query).json
        seen += page["items"]
        cursor = page["next_cursor"]
    assert [item["title"] for item in seen] == ["4", "3", "2", "0"]
    assert all(item["artists"] == [{"id": artist_id, "name": "Nina"}] for item in seen)
    assert all(item["available"] and item["saved_at"].endswith("Z") for item in seen)


def test_a_liked_track_that_goes_stays_listed_and_can_be_unliked(
    client: Any, ann: Headers, make_track: Make, send: Callable[..., None]
) -> None:
    track_id = make_track()
    client.put(f"{PATH}/{track_id}", headers=ann)
    send("catalog.track.deleted.v1", track_id, 2)
    (item,) = client.get(PATH, headers=ann).json["items"]
    assert (item["track_id"], item["available"], item["title"]) == (track_id, False, None)
    assert client.put(f"{PATH}/{track_id}", headers=ann).status_code == 404
    assert client.delete(f"{PATH}/{track_id}", headers=ann).status_code == 204
    assert client.get(PATH, headers=ann).json["items"] == []
