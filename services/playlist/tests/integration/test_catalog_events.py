"""Read models end up the same in whatever order, and however often, events come."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from common.db import Database, new_id
from playlist.models import Album, Artist, Track

Send = Callable[..., None]
Change = tuple[str, int, dict[str, Any]]


def track(title: str, state: str = "published") -> dict[str, Any]:
    credit = {"artist_id": "a1", "role": "primary"}
    return {
        "owner_id": "o1",
        "title": title,
        "album_id": "b1",
        "credits": [credit],
        "duration_ms": 1000,
        "state": state,
    }


TRACK: list[Change] = [
    ("catalog.track.updated.v1", 1, track("Draft", "draft")),
    ("catalog.track.published.v1", 2, track("First")),
    ("catalog.track.updated.v1", 3, track("Second", "hidden")),
]
GONE: Change = ("catalog.track.deleted.v1", 4, track("Second"))


def read(database: Database, model: type[Any], row_id: str) -> Any:
    with database.reading() as session:
        return session.get(model, row_id)


@pytest.mark.parametrize("order", list(itertools.permutations(TRACK)))
def test_the_newest_state_of_a_track_wins(
    database: Database, send: Send, order: tuple[Change, ...]
) -> None:
    track_id = new_id()
    for kind, version, data in (*order, *order):
        send(kind, track_id, version, **data)
    row = read(database, Track, track_id)
    assert (row.src_version, row.title, row.state) == (3, "Second", "hidden")
    assert (row.credits, row.album_id) == ([{"artist_id": "a1", "role": "primary"}], "b1")
    assert not row.deleted


@pytest.mark.parametrize("order", list(itertools.permutations([*TRACK, GONE])))
def test_a_deleted_track_stays_deleted_and_keeps_nothing(
    database: Database, send: Send, order: tuple[Change, ...]
) -> None:
    track_id = new_id()
    for kind, version, data in (*order, *order):
        send(kind, track_id, version, **data)
    row = read(database, Track, track_id)
    assert (row.deleted, row.title, row.owner_id, row.credits) == (True, "", "", [])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize(
    ("subject", "model", "field"), [("artist", Artist, "name"), ("album", Album, "title")]
)
def test_artists_and_albums_are_mirrored(
    database: Database,
    send: Send,
    order: tuple[int, ...],
    subject: str,
    model: type[Any],
    field: str,
) -> None:
    kept, gone = new_id(), new_id()
    changes = [("published", 1, "Old"), ("updated", 2, "New"), ("deleted", 3, "New")]
    for index in (*order, *order):
        name, version, value = changes[index]
        state = {"owner_id": "o1", field: value}
        send(f"catalog.{subject}.{name}.v1", gone, version, **state)
        if name != "deleted":
            send(f"catalog.{subject}.{name}.v1", kept, version, **state)
    row = read(database, model, kept)
    assert (getattr(row, field), row.owner_id, row.deleted) == ("New", "o1", False)
    row = read(database, model, gone)
    assert (getattr(row, field), row.owner_id, row.deleted) == ("", None, True)


def test_everything_about_a_list_may_come_after_the_list(
    client: Any,
    ann: dict[str, str],
    make_track: Callable[..., str],
    make_playlist: Callable[..., str],
    send: Send,
) -> None:
    artist_id, album_id = new_id(), new_id()
    path = f"/api/v1/playlists/{make_playlist(make_track(artist_id, album_id=album_id))}"

    def entry() -> dict[str, Any]:
        found: dict[str, Any] = client.get(path, headers=ann).json["entries"][0]
        return found

    assert (entry()["artists"], entry()["album"]) == ([], None)
    send("catalog.album.published.v1", album_id, owner_id="o1", title="Live")
    send("catalog.artist.published.v1", artist_id, owner_id="o1", name="Nina")
    assert entry()["album"] == {"id": album_id, "title": "Live"}
    assert entry()["artists"] == [{"id": artist_id, "name": "Nina"}]
    send("catalog.album.deleted.v1", album_id, 2)
    send("catalog.artist.deleted.v1", artist_id, 2)
    assert (entry()["artists"], entry()["album"]) == ([], None)
    assert entry()["available"]
