from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from catalog.http.answers import TrackOut
from common.db import new_id
from common.events import Envelope

Headers = dict[str, str]
Publish = Callable[..., str]
Get = Callable[..., Any]


@pytest.fixture
def patch(client: FlaskClient, owner: Headers) -> Callable[..., Any]:
    def run(track_id: str, *, by: Headers = owner, status: int = 200, **fields: Any) -> Any:
        response = client.patch(f"/api/v1/tracks/{track_id}", json=fields, headers=by)
        assert response.status_code == status, response.text
        return response.json

    return run


def test_a_published_track_shows_what_the_upload_said(publish: Publish, get: Get) -> None:
    track_id = publish(
        tags={"artist": "Queen feat. David Bowie", "track_number": 11}, cover={"url": "/c.jpg"}
    )
    track = get(f"/tracks/{track_id}")
    TrackOut.model_validate(track)
    assert track["title"] == "Under Pressure"
    assert [(c["name"], c["role"]) for c in track["credits"]] == [
        ("Queen", "primary"),
        ("David Bowie", "featured"),
    ]
    assert track["album"]["title"] == "Hot Space"
    assert track["track_number"] == 11
    assert track["genres"] == ["Rock"]
    assert track["duration_ms"] == 248_000
    assert track["loudness"] == {"integrated_lufs": -9.5, "true_peak_dbtp": -0.3, "range_lu": 5.0}
    assert track["cover_url"] == "/c.jpg"
    assert track["published_at"].endswith("Z")
    assert get("/tracks")["items"] == [track]


def test_only_the_owner_and_admins_see_a_draft(
    draft: Publish, get: Get, owner: Headers, stranger: Headers, admin: Headers, owner_id: str
) -> None:
    track_id = draft(failure=None)
    for headers, status in ((owner, 200), (admin, 200), (stranger, 404)):
        get(f"/tracks/{track_id}", by=headers, status=status)
    get(f"/tracks/{track_id}", status=404)
    track = get(f"/tracks/{track_id}", by=owner)
    assert (track["state"], track["published_at"]) == ("draft", None)
    for path in ("tracks", "albums", "artists"):
        assert get(f"/{path}")["items"] == []
        assert get(f"/{path}", by=owner)["items"] == []
        assert get(f"/{path}", owner_id=owner_id, by=stranger)["items"] == []
        assert get(f"/{path}", owner_id="me", by=stranger)["items"] == []
        assert len(get(f"/{path}", owner_id="me", by=owner)["items"]) == 1
    assert get("/genres")["items"] == []
    album, [credit] = track["album"], track["credits"]
    for path in (f"/albums/{album['id']}", f"/artists/{credit['artist_id']}"):
        get(path, by=owner)
        get(path, by=stranger, status=404)
    assert [t["id"] for t in get(f"/albums/{album['id']}", by=owner)["tracks"]["items"]] == [
        track_id
    ]


def test_why_a_draft_failed_is_said(
    deliver: Callable[..., str],
    asset: Callable[..., dict[str, Any]],
    get: Get,
    owner: Headers,
) -> None:
    data = asset()
    deliver("media.asset.described.v1", **data)
    deliver("media.asset.failed.v1", **(data | {"version": 4, "failure": "ffmpeg gave up."}))
    [track] = get("/tracks", owner_id="me", state="draft", by=owner)["items"]
    assert track["failure"] == "ffmpeg gave up."
    assert get("/tracks", owner_id="me", state="published", by=owner)["items"] == []


def test_lists_are_narrowed(publish: Publish, get: Get) -> None:
    first = publish("One", tags={"artist": "A", "album": "X", "genres": ["Jazz"]})
    second = publish("Two", tags={"artist": "B feat. A", "album": None, "genres": ["Köln Jazz"]})
    other = publish("Three", owner_id=new_id(), tags={"artist": "C", "genres": []})
    one = get(f"/tracks/{first}")

    def ids(**query: Any) -> list[str]:
        return [track["id"] for track in get("/tracks", **query)["items"]]

    assert ids() == [first, other, second]  # One, Three, Two
    assert ids(sort="newest") == [other, second, first]
    assert ids(artist_id=one["credits"][0]["artist_id"]) == [first, second]
    assert ids(album_id=one["album"]["id"]) == [first]
    assert ids(genre="JAZZ") == [first]
    assert ids(genre="koln jazz") == [second]
    assert ids(owner_id=one["owner_id"]) == [first, second]
    assert ids(artist_id=new_id()) == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"cursor": "x"},
        {"sort": "odd"},
        {"owner_id": "you"},
        {"state": "draft"},
        {"album_id": "1"},
        {"unknown": "1"},
    ],
)
def test_odd_lists_are_refused(query: dict[str, Any], get: Get) -> None:
    assert get("/tracks", status=422, **query)["status"] == 422


def test_a_track_made_by_hand_is_a_draft(
    client: FlaskClient, owner: Headers, get: Get, emitted: Callable[[], list[Envelope]]
) -> None:
    body: dict[str, Any] = {
        "title": " New ",
        "credits": [{"name": "A"}, {"name": "B", "role": "remixer"}],
    }
    body |= {"genres": ["Rock", "rock"], "disc_number": 2, "track_number": 3, "downloadable": True}
    response = client.post("/api/v1/tracks", json=body, headers=owner)
    assert response.status_code == 201, response.text
    track = response.get_json()
    TrackOut.model_validate(track)
    assert track["title"] == "New"
    assert [(c["name"], c["role"]) for c in track["credits"]] == [
        ("A", "primary"),
        ("B", "remixer"),
    ]
    assert (track["state"], track["genres"], track["downloadable"]) == ("draft", ["Rock"], True)
    assert get(f"/tracks/{track['id']}", by=owner) == track
    [event] = emitted()
    assert (event.type, event.data["state"]) == ("catalog.track.updated.v1", "draft")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": ""}, "title"),
        ({"title": " \u200b "}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": None}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"title": "x", "credits": []}, "credits"),
        ({"title": "x", "credits": [{"role": "primary"}]}, "credits.0"),
        ({"title": "x", "credits": [{"name": "A", "role": "fan"}]}, "credits.0.role"),
        ({"title": "x", "track_number": 0}, "track_number"),
        ({"title": "x", "state": "published"}, "state"),
        ({"title": "x", "cover_url": "javascript:alert(1)"}, "cover_url"),
        ({"title": "x", "owner_id": "y"}, "owner_id"),
    ],
)
def test_a_track_that_makes_no_sense_is_refused(
    client: FlaskClient, owner: Headers, body: dict[str, Any], field: str
) -> None:
    response = client.post("/api/v1/tracks", json=body, headers=owner)
    assert response.status_code == 422, response.text
    assert response.mimetype == "application/problem+json"
    assert field in [error["field"] for error in response.get_json()["errors"]]


def test_a_track_is_changed(
    publish: Publish, get: Get, patch: Callable[..., Any], emitted: Callable[[], list[Envelope]]
) -> None:
    track_id = publish()
    before = get(f"/tracks/{track_id}")
    told = len(emitted())
    after = patch(
        track_id,
        title="Over Pressure",
        album_id=None,
        credits=[{"name": "Somebody"}],
        genres=[],
        downloadable=True,
    )
    assert after["title"] == "Over Pressure"
    assert (after["album"], after["genres"], after["downloadable"]) == (None, [], True)
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]
    assert after["published_at"] == before["published_at"]
    # What only this track had made necessary goes, what it needs now comes.
    assert [artist["name"] for artist in get("/artists")["items"]] == ["Somebody"]
    assert get("/albums")["items"] == []
    assert [event.type for event in emitted()[told:]] == [
        "catalog.artist.published.v1",
        "catalog.track.updated.v1",
        "catalog.album.deleted.v1",
        "catalog.artist.deleted.v1",
    ]
    assert patch(track_id, track_number=7)["track_number"] == 7
    assert patch(track_id, track_number=None)["track_number"] is None


def test_null_is_refused_where_something_must_be(
    publish: Publish, patch: Callable[..., Any]
) -> None:
    track_id = publish()
    for name in ("title", "credits", "genres", "downloadable", "state"):
        patch(track_id, status=422, **{name: None})


def test_a_draft_without_audio_cannot_be_published(
    draft: Publish, patch: Callable[..., Any]
) -> None:
    problem = patch(draft(), state="published", status=409)
    assert "no audio" in problem["detail"]


def test_hidden_and_shown_again(
    publish: Publish,
    patch: Callable[..., Any],
    get: Get,
    owner: Headers,
    emitted: Callable[[], list[Envelope]],
) -> None:
    track_id = publish()
    assert patch(track_id, state="hidden")["state"] == "hidden"
    get(f"/tracks/{track_id}", status=404)
    get(f"/tracks/{track_id}", by=owner)
    assert emitted()[-1].data["state"] == "hidden"
    patch(track_id, state="published")
    get(f"/tracks/{track_id}")
    assert emitted()[-1].type == "catalog.track.published.v1"


def test_only_the_owner_and_admins_change_a_track(
    publish: Publish,
    draft: Publish,
    patch: Callable[..., Any],
    client: FlaskClient,
    stranger: Headers,
    admin: Headers,
) -> None:
    public, private = publish("One"), draft("Two")
    patch(public, title="X", by=stranger, status=403)
    patch(private, title="X", by=stranger, status=404)
    patch(new_id(), title="X", status=404)
    for track_id, status in ((public, 403), (private, 404)):
        response = client.delete(f"/api/v1/tracks/{track_id}", headers=stranger)
        assert response.status_code == status
    assert patch(private, title="Moderated", by=admin)["title"] == "Moderated"


def test_a_track_names_only_what_its_owner_owns(
    publish: Publish, get: Get, patch: Callable[..., Any]
) -> None:
    mine = publish()
    theirs = get(f"/tracks/{publish('Two', owner_id=new_id())}")
    patch(mine, album_id=theirs["album"]["id"], status=422)
    patch(mine, credits=[{"artist_id": theirs["credits"][0]["artist_id"]}], status=422)
    patch(mine, credits=[{"artist_id": new_id()}], status=422)


def test_deleting_a_track_takes_along_what_only_it_needed(
    publish: Publish, client: FlaskClient, owner: Headers, get: Get
) -> None:
    first, second = publish("One"), publish("Two")
    assert client.delete(f"/api/v1/tracks/{first}", headers=owner).status_code == 204
    get(f"/tracks/{first}", status=404)
    get(f"/tracks/{first}", by=owner, status=404)
    assert len(get("/albums")["items"]) == 1
    assert client.delete(f"/api/v1/tracks/{second}", headers=owner).status_code == 204
    for path in ("tracks", "albums", "artists", "genres"):
        assert get(f"/{path}")["items"] == []
    assert client.delete(f"/api/v1/tracks/{second}", headers=owner).status_code == 404


def test_many_tracks_are_deleted_at_once(
    publish: Publish, draft: Publish, client: FlaskClient, owner: Headers, get: Get
) -> None:
    mine = [publish(f"Song {n}") for n in range(3)]
    foreign, secret = publish("X", owner_id=new_id()), draft("Y", owner_id=new_id())
    body = {"track_ids": [*mine[:2], mine[0], foreign, secret]}
    response = client.post("/api/v1/tracks/bulk-delete", json=body, headers=owner)
    assert response.status_code == 200, response.text
    statuses = {r["track_id"]: r["status"] for r in response.get_json()["results"]}
    assert statuses == {
        mine[0]: "deleted",
        mine[1]: "deleted",
        foreign: "forbidden",
        secret: "not_found",
    }
    assert {t["id"] for t in get("/tracks")["items"]} == {mine[2], foreign}
    for ids in ([], [new_id() for _ in range(201)], ["x"]):
        answer = client.post("/api/v1/tracks/bulk-delete", json={"track_ids": ids}, headers=owner)
        assert answer.status_code == 422
