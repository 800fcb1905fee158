from collections.abc import Callable
from typing import Any

import pytest

from common.db import Database, new_id
from playlist.models import MAX_ENTRIES, Playlist

Headers = dict[str, str]
Make = Callable[..., str]
PATH = "/api/v1/playlists"


@pytest.fixture
def titles(client: Any, ann: Headers) -> Callable[[str], list[str]]:
    def read(playlist_id: str) -> list[str]:
        items = client.get(f"{PATH}/{playlist_id}", headers=ann).json["entries"]
        assert [item["position"] for item in items] == list(range(len(items)))
        return [item["title"] for item in items]

    return read


def test_added_entries_come_back_with_their_tracks(
    client: Any,
    ann: Headers,
    make_playlist: Make,
    make_artist: Make,
    make_track: Make,
    send: Callable[..., None],
    emitted: Callable[..., Any],
) -> None:
    nina, joe, composer = make_artist("Nina"), make_artist("Joe"), make_artist("Composer")
    album_id = new_id()
    send("catalog.album.published.v1", album_id, title="Live", owner_id=new_id())
    roles = [(nina, "primary"), (composer, "composer"), (joe, "featured"), (nina, "remixer")]
    track_id = make_track(
        title="Sinnerman",
        album_id=album_id,
        duration_ms=619_000,
        credits=[{"artist_id": artist_id, "role": role} for artist_id, role in roles],
    )
    path = f"{PATH}/{make_playlist(make_track())}"
    added = client.post(f"{path}/entries", headers=ann, json={"track_ids": [track_id]})
    assert added.status_code == 201
    (item,) = added.json["items"]
    assert item == {
        "id": item["id"],
        "position": 1,
        "added_at": item["added_at"],
        "track_id": track_id,
        "available": True,
        "title": "Sinnerman",
        "artists": [{"id": nina, "name": "Nina"}, {"id": joe, "name": "Joe"}],
        "album": {"id": album_id, "title": "Live"},
        "duration_ms": 619_000,
    }
    read = client.get(path, headers=ann).json
    assert read["entries"][1] == item
    assert (read["entry_count"], read["version"]) == (2, 3)
    assert [event["entry_count"] for event in emitted("playlist.playlist.updated.v1")] == [1, 2]


def test_a_track_with_only_a_composer_shows_the_composer(
    client: Any, ann: Headers, make_playlist: Make, make_artist: Make, make_track: Make
) -> None:
    bach = make_artist("Bach")
    track_id = make_track(credits=[{"artist_id": bach, "role": "composer"}])
    read = client.get(f"{PATH}/{make_playlist(track_id)}", headers=ann).json
    assert read["entries"][0]["artists"] == [{"id": bach, "name": "Bach"}]


@pytest.mark.parametrize(
    ("position", "expected"),
    [(None, "abcxy"), (3, "abcxy"), (0, "xyabc"), (1, "axybc"), (2, "abxyc")],
)
def test_tracks_are_inserted_where_asked(
    client: Any,
    ann: Headers,
    make_playlist: Make,
    make_track: Make,
    titles: Callable[[str], list[str]],
    position: int | None,
    expected: str,
) -> None:
    playlist_id = make_playlist(*(make_track(title=letter) for letter in "abc"))
    body = {"track_ids": [make_track(title=letter) for letter in "xy"], "position": position}
    added = client.post(f"{PATH}/{playlist_id}/entries", headers=ann, json=body)
    assert added.status_code == 201
    assert [item["title"] for item in added.json["items"]] == ["x", "y"]
    start = expected.index("x")
    assert [item["position"] for item in added.json["items"]] == [start, start + 1]
    assert "".join(titles(playlist_id)) == expected


@pytest.mark.parametrize(
    ("moved", "position", "expected"),
    [
        ("a", 0, "abcd"),
        ("a", 1, "bacd"),
        ("a", 3, "bcda"),
        ("d", 0, "dabc"),
        ("d", 3, "abcd"),
        ("c", 1, "acbd"),
        ("b", 2, "acbd"),
    ],
)
def test_an_entry_moves_to_the_position_asked_for(
    client: Any,
    ann: Headers,
    make_playlist: Make,
    make_track: Make,
    titles: Callable[[str], list[str]],
    moved: str,
    position: int,
    expected: str,
) -> None:
    playlist_id = make_playlist(*(make_track(title=letter) for letter in "abcd"))
    entries = client.get(f"{PATH}/{playlist_id}", headers=ann).json["entries"]
    entry_id = next(entry["id"] for entry in entries if entry["title"] == moved)
    path = f"{PATH}/{playlist_id}/entries/{entry_id}"
    answer = client.patch(path, headers=ann, json={"position": position})
    assert answer.status_code == 200
    assert (answer.json["id"], answer.json["position"]) == (entry_id, position)
    assert "".join(titles(playlist_id)) == expected


def test_inserting_at_one_spot_makes_room_when_it_must(
    client: Any,
    ann: Headers,
    make_playlist: Make,
    make_track: Make,
    titles: Callable[[str], list[str]],
) -> None:
    playlist_id = make_playlist(*(make_track(title=letter) for letter in "abc"))
    path = f"{PATH}/{playlist_id}/entries"
    for number in range(80):  # a gap is halved 32 times at most
        body = {"track_ids": [make_track(title=str(number))], "position": 1}
        assert client.post(path, headers=ann, json=body).status_code == 201
    found = client.get(path, headers=ann, query_string={"limit": 200}).json["items"]
    numbers = [str(number) for number in range(79, -1, -1)]
    assert [item["title"] for item in found] == ["a", *numbers, "b", "c"]
    assert titles(playlist_id)[:2] == ["a", "79"]


def test_moving_back_and_forth_makes_room_when_it_must(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make
) -> None:
    playlist_id = make_playlist(*(make_track(title=letter) for letter in "abcd"))
    path = f"{PATH}/{playlist_id}/entries"
    expected = list("abcd")
    for _ in range(80):  # always the last to the second place
        entry_id = client.get(path, headers=ann).json["items"][3]["id"]
        client.patch(f"{path}/{entry_id}", headers=ann, json={"position": 1})
        expected.insert(1, expected.pop())
        items = client.get(path, headers=ann).json["items"]
        assert [item["title"] for item in items] == expected


def test_the_same_track_may_stand_twice(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make
) -> None:
    track_id = make_track()
    playlist_id = make_playlist(track_id, track_id)
    path = f"{PATH}/{playlist_id}/entries"
    first, second = client.get(path, headers=ann).json["items"]
    assert first["track_id"] == second["track_id"] == track_id
    assert client.delete(f"{path}/{first['id']}", headers=ann).status_code == 204
    (left,) = client.get(path, headers=ann).json["items"]
    assert (left["id"], left["position"]) == (second["id"], 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "track_ids"),
        ({"track_ids": []}, "track_ids"),
        ({"track_ids": ["x"]}, "track_ids.0"),
        ({"track_ids": "x"}, "track_ids"),
        ({"track_ids": [new_id()] * 201}, "track_ids"),
        ({"track_ids": [new_id()], "position": -1}, "position"),
        ({"track_ids": [new_id()], "position": 1}, "position"),
        ({"track_ids": [new_id()], "position": 10**30}, "position"),
    ],
)
def test_a_bad_addition_is_refused(
    client: Any, ann: Headers, make_playlist: Make, body: dict[str, Any], field: str
) -> None:
    answer = client.post(f"{PATH}/{make_playlist()}/entries", headers=ann, json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("position", [-1, 2, "first", None, 10**30])
def test_a_bad_move_is_refused(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make, position: Any
) -> None:
    path = f"{PATH}/{make_playlist(make_track(), make_track())}"
    entry_id = client.get(path, headers=ann).json["entries"][0]["id"]
    body = {"position": position}
    answer = client.patch(f"{path}/entries/{entry_id}", headers=ann, json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["position"]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_entry_of_another_playlist_is_not_found(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make, method: str
) -> None:
    other = make_playlist(make_track())
    entry_id = client.get(f"{PATH}/{other}", headers=ann).json["entries"][0]["id"]
    body = {"position": 0} if method == "PATCH" else None
    for unknown in (entry_id, new_id()):
        path = f"{PATH}/{make_playlist(make_track())}/entries/{unknown}"
        assert client.open(path, method=method, headers=ann, json=body).status_code == 404
    assert client.get(f"{PATH}/{other}", headers=ann).json["entry_count"] == 1


@pytest.mark.parametrize("given", ["", "not json", "[1"])
def test_a_body_that_is_no_json_is_refused(
    client: Any, ann: Headers, make_playlist: Make, given: str
) -> None:
    path = f"{PATH}/{make_playlist()}/entries"
    json = {"Content-Type": "application/json"}
    assert client.post(path, headers=ann | json, data=given).status_code == 400
    assert client.post(path, headers=ann, data=given).status_code == 415


def test_a_full_playlist_takes_no_more(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make, database: Database
) -> None:
    track_id = make_track()
    playlist_id = make_playlist()
    with database.transaction() as session:
        session.get_one(Playlist, playlist_id).entry_count = MAX_ENTRIES - 1
    path = f"{PATH}/{playlist_id}/entries"
    refused = client.post(path, headers=ann, json={"track_ids": [track_id] * 2})
    assert refused.status_code == 409
    assert "10000" in refused.json["detail"]
    assert client.post(path, headers=ann, json={"track_ids": [track_id]}).status_code == 201


def test_pages_give_every_entry_once_in_order_with_its_position(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make
) -> None:
    tracks = [make_track() for _ in range(7)]
    path = f"{PATH}/{make_playlist(*tracks)}"
    first = client.get(path, headers=ann, query_string={"limit": 3}).json
    seen, cursor = first["entries"], first["next_cursor"]
    while cursor:
        query = {"limit": 3, "cursor": cursor}
        page = client.get(f"{path}/entries", headers=ann, query_string=query).json
        seen += page["items"]
        cursor = page["next_cursor"]
    assert [item["track_id"] for item in seen] == tracks
    assert [item["position"] for item in seen] == list(range(7))


def test_a_cursor_past_the_end_gives_an_empty_page(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make
) -> None:
    path = f"{PATH}/{make_playlist(make_track(), make_track())}"
    cursor = client.get(path, headers=ann, query_string={"limit": 1}).json["next_cursor"]
    second = client.get(f"{path}/entries", headers=ann).json["items"][1]["id"]
    client.delete(f"{path}/entries/{second}", headers=ann)
    page = client.get(f"{path}/entries", headers=ann, query_string={"cursor": cursor}).json
    assert page == {"items": [], "next_cursor": None}
