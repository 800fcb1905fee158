from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from catalog.http.answers import AlbumDetail, ArtistDetail, GenreDetail
from common.db import new_id
from common.events import Envelope

Headers = dict[str, str]
Publish = Callable[..., str]
Get = Callable[..., Any]
Send = Callable[..., Any]


@pytest.fixture
def send(client: FlaskClient, owner: Headers) -> Send:
    def run(method: str, path: str, *, by: Headers = owner, status: int, **body: Any) -> Any:
        more: dict[str, Any] = {} if method == "DELETE" else {"json": body}
        response = client.open(f"/api/v1{path}", method=method, headers=by, **more)
        assert response.status_code == status, response.text
        return response.json if response.data else None

    return run


def test_an_artist_from_first_to_last(
    send: Send, get: Get, emitted: Callable[[], list[Envelope]], owner_id: str
) -> None:
    made = send("POST", "/artists", name="Björk", image_url="https://i.example.org/b", status=201)
    path = f"/artists/{made['id']}"
    shown = get(path)
    ArtistDetail.model_validate(shown)
    assert shown == made | {"albums": {"items": [], "next_cursor": None}}
    changed = send("PATCH", path, name="BJÖRK", status=200)
    assert (changed["name"], changed["image_url"]) == ("BJÖRK", "https://i.example.org/b")
    assert send("PATCH", path, image_url=None, status=200)["image_url"] is None
    send("DELETE", path, status=204)
    get(path, status=404)
    told = [(e.type, e.data["version"], e.data["name"]) for e in emitted()]
    assert told == [
        ("catalog.artist.published.v1", 1, "Björk"),
        ("catalog.artist.updated.v1", 2, "BJÖRK"),
        ("catalog.artist.updated.v1", 3, "BJÖRK"),
        ("catalog.artist.deleted.v1", 4, ""),
    ]
    assert {e.data["owner_id"] for e in emitted()} == {owner_id}


def test_one_owner_has_one_artist_of_a_name(send: Send, stranger: Headers) -> None:
    first = send("POST", "/artists", name="Queen", status=201)
    problem = send("POST", "/artists", name="  QUEEN ", status=409)
    assert first["id"] in problem["detail"]
    assert problem["errors"][0]["field"] == "name"
    send("POST", "/artists", name="Queen", by=stranger, status=201)
    other = send("POST", "/artists", name="Kween", status=201)
    send("PATCH", f"/artists/{other['id']}", name="queen", status=409)
    send("PATCH", f"/artists/{other['id']}", name=None, status=422)


def test_an_artist_with_music_stays(publish: Publish, get: Get, send: Send) -> None:
    track = get(f"/tracks/{publish(tags={'album_artist': 'Various Artists'})}")
    for artist in get("/artists")["items"]:
        problem = send("DELETE", f"/artists/{artist['id']}", status=409)
        assert artist["name"] in problem["detail"]
        assert "still has tracks or albums" in problem["detail"]
    problem = send("DELETE", f"/albums/{track['album']['id']}", status=409)
    assert "still has tracks" in problem["detail"]


def test_an_album_from_first_to_last(
    send: Send, get: Get, emitted: Callable[[], list[Envelope]]
) -> None:
    artist = send("POST", "/artists", name="Björk", status=201)
    fields = {"artist_id": artist["id"], "release_date": "1997-09-22", "cover_url": "/c.jpg"}
    made = send("POST", "/albums", title="Homogenic", **fields, status=201)
    path = f"/albums/{made['id']}"
    AlbumDetail.model_validate(made)
    assert get(path) == made
    assert made["artist"] == {"id": artist["id"], "name": "Björk"}
    assert (made["release_date"], made["track_count"]) == ("1997-09-22", 0)
    assert [a["id"] for a in get(f"/artists/{artist['id']}")["albums"]["items"]] == [made["id"]]
    problem = send("POST", "/albums", title="HOMOGENIC", artist_id=artist["id"], status=409)
    assert made["id"] in problem["detail"]
    changed = send("PATCH", path, title="Homogénic", release_date=None, status=200)
    assert (changed["title"], changed["release_date"], changed["cover_url"]) == (
        "Homogénic",
        None,
        "/c.jpg",
    )
    send("DELETE", path, status=204)
    get(path, status=404)
    send("DELETE", f"/artists/{artist['id']}", status=204)
    told = [(e.type.split(".")[1:3], e.data["version"]) for e in emitted()]
    assert told == [
        (["artist", "published"], 1),
        (["album", "published"], 1),
        (["album", "updated"], 2),
        (["album", "deleted"], 3),
        (["artist", "deleted"], 2),
    ]


def test_an_album_is_by_an_artist_of_its_owner(send: Send, stranger: Headers) -> None:
    theirs = send("POST", "/artists", name="Queen", by=stranger, status=201)
    send("POST", "/albums", title="Jazz", artist_id=theirs["id"], status=422)
    send("POST", "/albums", title="Jazz", artist_id=new_id(), status=422)
    mine = send("POST", "/artists", name="Queen", status=201)
    album = send("POST", "/albums", title="Jazz", artist_id=mine["id"], status=201)
    send("PATCH", f"/albums/{album['id']}", artist_id=theirs["id"], status=422)
    other = send("POST", "/artists", name="Brian May", status=201)
    moved = send("PATCH", f"/albums/{album['id']}", artist_id=other["id"], status=200)
    assert moved["artist"]["name"] == "Brian May"


def test_only_the_owner_and_admins_change_artists_and_albums(
    send: Send, stranger: Headers, admin: Headers
) -> None:
    artist = send("POST", "/artists", name="Queen", status=201)
    album = send("POST", "/albums", title="Jazz", artist_id=artist["id"], status=201)
    for path, field in ((f"/albums/{album['id']}", "title"), (f"/artists/{artist['id']}", "name")):
        send("PATCH", path, **{field: "X"}, by=stranger, status=403)
        send("DELETE", path, by=stranger, status=403)
        send("PATCH", path, **{field: "Y"}, by=admin, status=200)
        send("DELETE", path, by=admin, status=204)
        send("DELETE", path, by=admin, status=404)


def test_an_album_shows_its_tracks_in_order(publish: Publish, get: Get, send: Send) -> None:
    for disc, number in ((2, 1), (1, 10), (1, 2)):
        publish(f"{disc}-{number}", tags={"disc_number": disc, "track_number": number})
    hidden = publish("hidden", tags={"disc_number": 1, "track_number": 1})
    send("PATCH", f"/tracks/{hidden}", state="hidden", status=200)
    [album] = get("/albums")["items"]
    shown = get(f"/albums/{album['id']}")
    AlbumDetail.model_validate(shown)
    assert [t["title"] for t in shown["tracks"]["items"]] == ["1-2", "1-10", "2-1"]
    assert shown["track_count"] == 3


def test_a_rename_shows_everywhere_at_once(publish: Publish, get: Get, send: Send) -> None:
    track_id = publish()
    track = get(f"/tracks/{track_id}")
    artist_id = track["credits"][0]["artist_id"]
    assert get("/albums")["items"][0]["artist"]["name"] == "Queen"
    send("PATCH", f"/artists/{artist_id}", name="Kween", status=200)
    send("PATCH", f"/albums/{track['album']['id']}", title="Cold Space", status=200)
    track = get(f"/tracks/{track_id}")
    assert (track["credits"][0]["name"], track["album"]["title"]) == ("Kween", "Cold Space")
    assert get("/albums")["items"][0]["artist"]["name"] == "Kween"


def test_lists_of_artists_and_albums_are_sorted(publish: Publish, get: Get) -> None:
    for name in ("Émile", "Zoé", "dan"):
        publish(name, tags={"artist": name, "album": f"{name}s album"})
    assert [a["name"] for a in get("/artists")["items"]] == ["dan", "Émile", "Zoé"]
    assert [a["name"] for a in get("/artists", sort="newest")["items"]] == ["dan", "Zoé", "Émile"]
    assert [a["artist"]["name"] for a in get("/albums")["items"]] == ["dan", "Émile", "Zoé"]
    assert get("/albums", sort="newest")["items"][0]["artist"]["name"] == "dan"
    artist = get("/artists")["items"][0]
    assert len(get("/albums", artist_id=artist["id"])["items"]) == 1
    get("/artists", sort="title", status=422)


def test_genres_count_what_is_published(publish: Publish, draft: Publish, get: Get) -> None:
    publish("One", tags={"genres": ["Trip Hop", "Electronic"]})
    publish("Two", tags={"genres": ["TRIP HOP"]})
    draft("Three", tags={"genres": ["Trip Hop", "Secret"]})
    genres = get("/genres")["items"]
    assert [(g["name"], g["track_count"]) for g in genres] == [("Electronic", 1), ("Trip Hop", 2)]
    shown = get(f"/genres/{genres[1]['id']}")
    GenreDetail.model_validate(shown)
    assert [t["title"] for t in shown["tracks"]["items"]] == ["One", "Two"]
    get(f"/genres/{new_id()}", status=404)
