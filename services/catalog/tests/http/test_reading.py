"""How lists page, how answers are cached, and what they cost."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from catalog.models import Album, Artist, Credit, Genre, Track, TrackGenre, TrackState
from catalog.services.indexing import index_albums, index_artists, index_tracks
from common.db import Database, new_id, utcnow

Headers = dict[str, str]
Get = Callable[..., Any]
CountQueries = Callable[[], AbstractContextManager[list[str]]]


@pytest.fixture
def library(database: Database, owner_id: str) -> dict[str, str]:
    """250 tracks, albums and artists with equal titles among them; gives an id of each kind."""
    now = utcnow()
    seen = {"owner_id": owner_id, "version": 1, "published_at": now}
    seen |= {"created_at": now, "updated_at": now}
    ids = [[new_id() for _ in range(250)] for _ in range(4)]
    names = [f"name {n // 5:03}" for n in range(250)]
    rows: dict[Any, list[dict[str, Any]]] = {
        Artist: [
            seen | {"id": i, "name": n, "name_key": f"{n} {i}", "implicit": False}
            for i, n in zip(ids[0], names, strict=True)
        ],
        Album: [
            seen | {"id": i, "title": n, "title_key": n, "artist_id": artist, "implicit": False}
            for i, n, artist in zip(ids[1], names, ids[0], strict=True)
        ],
        Track: [
            seen
            | {"id": i, "title": n, "title_key": n, "album_id": ids[1][0], "genres": ["G"]}
            | {"state": TrackState.PUBLISHED, "album_position": 0, "has_audio": True}
            | {"downloadable": False, "has_lyrics": False}
            for i, n in zip(ids[2], names, strict=True)
        ],
        Credit: [
            {"track_id": track, "position": position, "artist_id": artist, "role": "primary"}
            for track in ids[2]
            for position, artist in enumerate(ids[0][:2])
        ],
        Genre: [{"id": i, "name": f"g{n}", "name_key": f"g{n}"} for n, i in enumerate(ids[3])],
        TrackGenre: [
            {"track_id": t, "genre_id": g, "published": True}
            for t, g in zip(ids[2], ids[3], strict=True)
        ],
    }
    with database.transaction() as session:
        for model, values in rows.items():
            session.execute(insert(model), values)
        index_tracks(session, ids[2])
        index_albums(session, ids[1])
        index_artists(session, ids[0])
    return {"artist": ids[0][0], "album": ids[1][0], "track": ids[2][0], "genre": ids[3][0]}


@pytest.mark.parametrize(
    "path",
    [
        "/tracks",
        "/tracks?sort=newest",
        "/tracks?sort=album&album_id={album}",
        "/tracks?artist_id={artist}",
        "/tracks?owner_id=me",
        "/albums",
        "/albums?sort=newest",
        "/artists",
        "/artists?sort=newest&owner_id=me",
        "/genres",
    ],
)
def test_pages_hold_everything_once(
    path: str, library: dict[str, str], client: FlaskClient, owner: Headers
) -> None:
    url, items, pages = f"/api/v1{path.format(**library)}", [], 0
    query: dict[str, Any] = {"limit": 60}
    separator = "&" if "?" in url else "?"
    while True:
        arguments = "&".join(f"{name}={value}" for name, value in query.items())
        body = client.get(f"{url}{separator}{arguments}", headers=owner).get_json()
        items += [item["id"] for item in body["items"]]
        pages += 1
        if body["next_cursor"] is None:
            break
        query["cursor"] = body["next_cursor"]
    assert (len(items), len(set(items)), pages) == (250, 250, 5)


def test_an_albums_first_tracks_go_on_in_the_list(library: dict[str, str], get: Get) -> None:
    first = get(f"/albums/{library['album']}")["tracks"]
    rest = get(
        "/tracks", album_id=library["album"], sort="album", cursor=first["next_cursor"], limit=200
    )
    assert len({t["id"] for t in first["items"] + rest["items"]}) == 250
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/tracks?limit={limit}", 2),
        ("/tracks?limit={limit}&artist_id={artist}", 2),
        ("/tracks?limit={limit}&genre=g1&owner_id=me", 2),
        ("/tracks/{track}", 2),
        ("/albums?limit={limit}", 1),
        ("/albums/{album}", 4),
        ("/artists?limit={limit}", 1),
        ("/artists/{artist}", 2),
        ("/genres?limit={limit}", 1),
        ("/genres/{genre}", 3),
        ("/charts/top?limit={limit}", 2),
        ("/charts/new?limit={limit}", 2),
        ("/search?q=name&limit={limit}", 13),
    ],
)
def test_the_number_of_queries_does_not_grow(
    path: str,
    most: int,
    library: dict[str, str],
    client: FlaskClient,
    owner: Headers,
    count_queries: CountQueries,
) -> None:
    counts = []
    client.get("/api/v1/genres", headers=owner)  # loads the revocations
    for limit in (1, 50):
        with count_queries() as queries:
            response = client.get(f"/api/v1{path}".format(**library, limit=limit), headers=owner)
        assert response.status_code == 200, response.text
        counts.append(len([q for q in queries if "revocation" not in q]))
    assert max(counts) <= most, queries


def test_a_second_read_asks_the_database_nothing(
    library: dict[str, str], client: FlaskClient, listener: Headers, count_queries: CountQueries
) -> None:
    paths = ("/tracks", f"/tracks/{library['track']}", "/albums", "/search?q=name", "/charts/new")
    for path in paths:
        first = client.get(f"/api/v1{path}", headers=listener)
        with count_queries() as queries:
            second = client.get(f"/api/v1{path}", headers=listener)
        assert [q for q in queries if "revocation" not in q] == []
        assert first.data == second.data


def test_an_answer_that_did_not_change_is_not_sent_again(
    publish: Callable[..., str], client: FlaskClient, owner: Headers, listener: Headers
) -> None:
    track_id = publish()
    for path in ("/tracks", f"/tracks/{track_id}", "/search?q=under", "/charts/new"):
        first = client.get(f"/api/v1{path}", headers=listener)
        condition = {"If-None-Match": first.headers["ETag"]}
        again = client.get(f"/api/v1{path}", headers={**listener, **condition})
        assert (again.status_code, again.data) == (304, b"")
        client.patch(f"/api/v1/tracks/{track_id}", json={"downloadable": True}, headers=owner)
        changed = client.get(f"/api/v1{path}", headers={**listener, **condition})
        assert changed.status_code == 200, path
        client.patch(f"/api/v1/tracks/{track_id}", json={"downloadable": False}, headers=owner)


def test_what_only_the_owner_sees_never_comes_from_the_shared_cache(
    draft: Callable[..., str], get: Get, owner: Headers, stranger: Headers
) -> None:
    track_id = draft()
    for _ in range(2):
        assert get(f"/tracks/{track_id}", by=owner)["id"] == track_id
        get(f"/tracks/{track_id}", by=stranger, status=404)
        assert len(get("/tracks", owner_id="me", by=owner)["items"]) == 1
        assert get("/tracks", owner_id="me", by=stranger)["items"] == []


def test_without_redis_everything_still_answers(
    publish: Callable[..., str],
    settings: Any,
    database: Database,
    make_verifier: Any,
    owner: Headers,
) -> None:
    from catalog.app import create_app

    track_id = publish()
    lost = settings.model_copy(update={"cache_url": "unix:///nowhere/valkey.sock?db=1"})
    client = create_app(lost, database, make_verifier(database)).test_client()
    for path in ("/tracks", f"/tracks/{track_id}", "/search?q=under"):
        assert client.get(f"/api/v1{path}", headers=owner).status_code == 200
