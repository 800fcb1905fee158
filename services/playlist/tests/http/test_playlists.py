from collections.abc import Callable
from typing import Any

import pytest

from common.db import new_id

Headers = dict[str, str]
Make = Callable[..., str]
PATH = "/api/v1/playlists"


def test_a_playlist_is_made_and_read(
    client: Any, ann: Headers, ann_id: str, emitted: Callable[..., Any]
) -> None:
    body = {"name": "  Sundays ", "description": "slow", "visibility": "public"}
    made = client.post(PATH, headers=ann, json=body)
    assert made.status_code == 201
    assert made.headers["Location"] == f"{PATH}/{made.json['id']}"
    assert made.json["created_at"].endswith("Z")
    expected = {"name": "Sundays", "description": "slow", "visibility": "public"}
    assert made.json.items() >= (expected | {"owner_id": ann_id, "entry_count": 0}).items()
    read = client.get(made.headers["Location"], headers=ann)
    assert read.json == made.json | {"entries": [], "next_cursor": None}
    (event,) = emitted("playlist.playlist.created.v1")
    assert event["id"] == made.json["id"]
    assert event.items() >= {"owner_id": ann_id, "name": "Sundays", "version": 1}.items()


def test_a_playlist_is_private_unless_said_otherwise(client: Any, ann: Headers) -> None:
    made = client.post(PATH, headers=ann, json={"name": "Mine"})
    assert (made.json["visibility"], made.json["description"]) == ("private", "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "visibility": "secret"}, "visibility"),
        ({"name": "x", "description": "y" * 2001}, "description"),
        ({"name": "x", "owner_id": "y"}, "owner_id"),
    ],
)
def test_a_bad_playlist_is_refused(
    client: Any, ann: Headers, body: dict[str, str], field: str
) -> None:
    answer = client.post(PATH, headers=ann, json=body)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_ones_own_playlists_are_listed_newest_first_in_pages(
    client: Any, ann: Headers, bob: Headers, make_playlist: Make
) -> None:
    make_playlist(headers=bob, visibility="public")
    ids = [make_playlist(name=str(number)) for number in range(5)]
    seen, cursor = [], None
    while True:
        query: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        answer = client.get(PATH, headers=ann, query_string=query).json
        seen += [item["id"] for item in answer["items"]]
        assert len(answer["items"]) <= 2
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=rubbish", "page=2"])
def test_a_bad_page_is_refused(client: Any, ann: Headers, query: str) -> None:
    assert client.get(f"{PATH}?{query}", headers=ann).status_code == 422


def test_a_change_keeps_what_is_absent_and_raises_the_version(
    client: Any, ann: Headers, make_playlist: Make, emitted: Callable[..., Any]
) -> None:
    path = f"{PATH}/{make_playlist(description='old')}"
    changed = client.patch(path, headers=ann, json={"name": "New", "visibility": "unlisted"})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == '"2"'
    expected = {"name": "New", "description": "old", "visibility": "unlisted", "version": 2}
    assert changed.json.items() >= expected.items()
    assert client.get(path, headers=ann).json.items() >= expected.items()
    assert [event["version"] for event in emitted("playlist.playlist.updated.v1")] == [2]


def test_a_change_to_the_same_is_no_change(
    client: Any, ann: Headers, make_playlist: Make, emitted: Callable[..., Any]
) -> None:
    path = f"{PATH}/{make_playlist(name='Mix')}"
    for body in ({}, {"name": "Mix"}, {"description": None}):
        assert client.patch(path, headers=ann, json=body).json["version"] == 1
    assert emitted("playlist.playlist.updated.v1") == []


def test_a_description_can_be_emptied(client: Any, ann: Headers, make_playlist: Make) -> None:
    path = f"{PATH}/{make_playlist(description='old')}"
    assert client.patch(path, headers=ann, json={"description": ""}).json["description"] == ""


def test_a_deleted_playlist_is_gone_with_its_entries(
    client: Any,
    ann: Headers,
    make_playlist: Make,
    make_track: Make,
    emitted: Callable[..., Any],
) -> None:
    path = f"{PATH}/{make_playlist(make_track())}"
    assert client.delete(path, headers=ann).status_code == 204
    assert client.get(path, headers=ann).status_code == 404
    assert client.get(f"{path}/entries", headers=ann).status_code == 404
    assert client.delete(path, headers=ann).status_code == 404
    (event,) = emitted("playlist.playlist.deleted.v1")
    assert event["version"] == 3


def test_etags_follow_the_content(
    client: Any,
    ann: Headers,
    make_playlist: Make,
    make_artist: Make,
    make_track: Make,
    send: Callable[..., None],
) -> None:
    artist_id = make_artist("Nina")
    path = f"{PATH}/{make_playlist(make_track(artist_id))}"
    first = client.get(path, headers=ann)
    tag = first.headers["ETag"]
    assert client.get(path, headers=ann | {"If-None-Match": tag}).status_code == 304
    send("catalog.artist.updated.v1", artist_id, 2, owner_id=new_id(), name="Nina S.")
    renamed = client.get(path, headers=ann | {"If-None-Match": tag})
    assert renamed.status_code == 200
    assert renamed.json["entries"][0]["artists"] == [{"id": artist_id, "name": "Nina S."}]
    # The playlist itself is what it was, so a change based on the older reading is welcome.
    fresh = client.patch(path, headers=ann | {"If-Match": tag}, json={"name": "Other"})
    assert fresh.status_code == 200


def test_a_stale_change_is_refused_and_changes_nothing(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make
) -> None:
    track_id = make_track()
    path = f"{PATH}/{make_playlist(track_id)}"
    before = client.get(path, headers=ann)
    entry = before.json["entries"][0]["id"]
    stale = ann | {"If-Match": before.headers["ETag"]}
    client.patch(path, headers=ann, json={"name": "Somebody else's"})
    answers = [
        client.patch(path, headers=stale, json={"name": "Mine"}),
        client.delete(path, headers=stale),
        client.post(f"{path}/entries", headers=stale, json={"track_ids": [track_id]}),
        client.patch(f"{path}/entries/{entry}", headers=stale, json={"position": 0}),
        client.delete(f"{path}/entries/{entry}", headers=stale),
    ]
    assert [answer.status_code for answer in answers] == [412] * 5
    after = client.get(path, headers=ann).json
    assert (after["name"], after["version"]) == ("Somebody else's", 3)


def test_changes_can_be_chained_by_the_tags_they_answer(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make
) -> None:
    path = f"{PATH}/{make_playlist()}"
    tag = client.get(path, headers=ann).headers["ETag"]
    body = {"track_ids": [make_track(), make_track()]}
    added = client.post(f"{path}/entries", headers=ann | {"If-Match": tag}, json=body)
    entry = f"{path}/entries/{added.json['items'][1]['id']}"
    tag = added.headers["ETag"]
    moved = client.patch(entry, headers=ann | {"If-Match": tag}, json={"position": 0})
    assert moved.status_code == 200
    removed = client.delete(entry, headers=ann | {"If-Match": moved.headers["ETag"]})
    assert removed.status_code == 204
    last = {"If-Match": removed.headers["ETag"]}
    assert client.delete(path, headers=ann | last).status_code == 204


def _requests(path: str, entry_id: str, track_id: str) -> dict[str, tuple[str, str, Any]]:
    return {
        "read": ("GET", path, None),
        "entries": ("GET", f"{path}/entries", None),
        "change": ("PATCH", path, {"name": "Taken"}),
        "add": ("POST", f"{path}/entries", {"track_ids": [track_id]}),
        "move": ("PATCH", f"{path}/entries/{entry_id}", {"position": 0}),
        "remove": ("DELETE", f"{path}/entries/{entry_id}", None),
        "delete": ("DELETE", path, None),
    }


@pytest.mark.parametrize(
    ("visibility", "read", "write"),
    [("private", 404, 404), ("unlisted", 200, 403), ("public", 200, 403)],
)
def test_what_others_may_do(
    client: Any,
    ann: Headers,
    bob: Headers,
    make_playlist: Make,
    make_track: Make,
    visibility: str,
    read: int,
    write: int,
) -> None:
    track_id = make_track()
    path = f"{PATH}/{make_playlist(track_id, visibility=visibility)}"
    before = client.get(path, headers=ann).json
    requests = _requests(path, before["entries"][0]["id"], track_id)
    statuses = {
        name: client.open(url, method=method, headers=bob, json=body).status_code
        for name, (method, url, body) in requests.items()
    }
    assert statuses == {name: read if name in ("read", "entries") else write for name in requests}
    assert client.get(path, headers=ann).json == before


def test_an_administrator_may_do_everything(
    client: Any, ann: Headers, admin: Headers, make_playlist: Make, make_track: Make
) -> None:
    track_id = make_track()
    path = f"{PATH}/{make_playlist(track_id)}"
    entry_id = client.get(path, headers=ann).json["entries"][0]["id"]
    statuses = {
        name: client.open(url, method=method, headers=admin, json=body).status_code
        for name, (method, url, body) in _requests(path, entry_id, track_id).items()
    }
    wanted = {"read": 200, "entries": 200, "change": 200, "add": 201, "move": 200}
    assert statuses == wanted | {"remove": 204, "delete": 204}


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_playlist_is_not_found(client: Any, ann: Headers, method: str) -> None:
    body = {"name": "x"} if method == "PATCH" else None
    answer = client.open(f"{PATH}/{new_id()}", method=method, headers=ann, json=body)
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
