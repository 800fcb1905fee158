"""Who changes an artist or album that they read without a lock tells its newest state all the same.

Others may change it between the reading and the writing. On SQLite nobody can: there a writer has
the whole database to itself.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from catalog.models import Album, Artist, SearchDocument
from catalog.services.albums import replace_cover
from common.db import Database
from common.events import Envelope

Deliver = Callable[..., str]
MakeAsset = Callable[..., dict[str, Any]]
Meanwhile = Callable[..., AbstractContextManager[None]]
Emitted = Callable[[], list[Envelope]]

READY = "media.asset.ready.v1"
DESCRIBED = "media.asset.described.v1"
DELETED = "media.asset.deleted.v1"

pytestmark = pytest.mark.parametrize("lend_schema", ["mysql"], indirect=True)


@pytest.fixture
def meanwhile(database: Database) -> Iterator[Meanwhile]:
    """Return a context in which something happens as soon as this thread has read a table.

    This thread waits for it; where it must wait for this thread, too, only for `seconds`.
    """
    here = threading.get_ident()
    with ThreadPoolExecutor(1) as other:

        @contextmanager
        def happens(table: str, act: Callable[[], object], seconds: float = 30) -> Iterator[None]:
            unlocked = re.compile(rf"FROM {table} \nWHERE (?!.*FOR UPDATE)", re.DOTALL)
            acts: list[Future[object]] = []

            def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
                if threading.get_ident() == here and not acts and unlocked.search(statement):
                    acts.append(other.submit(act))
                    wait(acts, seconds)

            event.listen(database.engine, "after_cursor_execute", look)
            try:
                yield
            finally:
                event.remove(database.engine, "after_cursor_execute", look)
            assert acts, f"nobody read {table}"
            acts[0].result(timeout=30)

        yield happens


@pytest.fixture
def edit(app: Flask, owner: dict[str, str]) -> Callable[..., Callable[[], object]]:
    """Return a function that makes a change by the owner: `edit("albums", id, title="x")`."""

    def make(kind: str, subject_id: str, **changes: object) -> Callable[[], object]:
        def act() -> None:
            path = f"/api/v1/{kind}/{subject_id}"
            answer = app.test_client().patch(path, json=changes, headers=owner)
            assert answer.status_code == 200, answer.text

        return act

    return make


@pytest.fixture
def cover(database: Database) -> Callable[[str, str], Callable[[], object]]:
    """Return a function that makes a change of an album as another worker might: a new cover."""

    def make(album_id: str, url: str) -> Callable[[], object]:
        def act() -> None:
            with database.transaction() as session:
                album = session.get_one(Album, album_id)
                replace_cover(session, album, album.cover_url, url)

        return act

    return make


def ids(database: Database) -> tuple[str, str]:
    """Return the ids of the only artist and the only album."""
    with database.reading() as session:
        return session.scalars(select(Artist.id)).one(), session.scalars(select(Album.id)).one()


def told(emitted: Emitted, subject_id: str) -> list[tuple[str, int]]:
    """Return what was told of a subject and as which version; of none are there two states."""
    seen = [
        (e.type.split(".")[2], e.data["version"]) for e in emitted() if e.data["id"] == subject_id
    ]
    assert Counter(version for _, version in seen).most_common(1)[0][1] == 1, seen
    return seen


def test_an_artist_that_is_renamed_while_it_is_published(
    deliver: Deliver,
    asset: MakeAsset,
    database: Database,
    meanwhile: Meanwhile,
    edit: Callable[..., Any],
    emitted: Emitted,
) -> None:
    data = asset()
    deliver(DESCRIBED, **(data | {"version": 2}))
    artist_id, _ = ids(database)
    with meanwhile("artist", edit("artists", artist_id, name="Queen & Co")):
        deliver(READY, **data)
    assert told(emitted, artist_id) == [("published", 2)]
    (published,) = [e.data for e in emitted() if e.data["id"] == artist_id]
    assert published["name"] == "Queen & Co"


def test_an_album_that_is_renamed_while_it_is_published(
    deliver: Deliver,
    asset: MakeAsset,
    database: Database,
    meanwhile: Meanwhile,
    edit: Callable[..., Any],
    emitted: Emitted,
) -> None:
    data = asset()
    deliver(DESCRIBED, **(data | {"version": 2}))
    _, album_id = ids(database)
    with meanwhile("album", edit("albums", album_id, title="Hotter Space")):
        deliver(READY, **data)
    assert told(emitted, album_id) == [("published", 2)]
    (published,) = [e.data for e in emitted() if e.data["id"] == album_id]
    assert published["title"] == "Hotter Space"


def test_an_album_that_is_renamed_while_a_new_track_brings_its_cover(
    deliver: Deliver,
    asset: MakeAsset,
    publish: Callable[..., str],
    database: Database,
    meanwhile: Meanwhile,
    edit: Callable[..., Any],
    emitted: Emitted,
) -> None:
    publish("One")
    _, album_id = ids(database)
    with meanwhile("album", edit("albums", album_id, title="Hotter Space")):
        deliver(DESCRIBED, **asset("Two", cover={"url": "/media/images/2.jpg"}))
    assert told(emitted, album_id) == [("published", 1), ("updated", 2), ("updated", 3)]
    newest = [e.data for e in emitted() if e.data["id"] == album_id][-1]
    assert (newest["title"], newest["cover_url"]) == ("Hotter Space", "/media/images/2.jpg")


def test_an_album_that_gets_a_cover_while_a_new_track_brings_another(
    deliver: Deliver,
    asset: MakeAsset,
    publish: Callable[..., str],
    database: Database,
    meanwhile: Meanwhile,
    cover: Callable[[str, str], Callable[[], object]],
    emitted: Emitted,
) -> None:
    publish("One")
    _, album_id = ids(database)
    with meanwhile("album", cover(album_id, "/media/images/first.jpg")):
        deliver(DESCRIBED, **asset("Two", cover={"url": "/media/images/2.jpg"}))
    assert told(emitted, album_id) == [("published", 1), ("updated", 2)]
    with database.reading() as session:
        assert session.get_one(Album, album_id).cover_url == "/media/images/first.jpg"


def test_an_album_that_gets_a_cover_while_its_old_one_goes(
    deliver: Deliver,
    asset: MakeAsset,
    publish: Callable[..., str],
    database: Database,
    meanwhile: Meanwhile,
    cover: Callable[[str, str], Callable[[], object]],
    emitted: Emitted,
) -> None:
    first = asset("One", cover={"url": "/media/images/1.jpg"})
    deliver(READY, **first)
    publish("Two", cover={"url": "/media/images/2.jpg"})
    _, album_id = ids(database)
    with meanwhile("album", cover(album_id, "/media/images/new.jpg")):
        deliver(DELETED, **(first | {"version": 9}))
    assert told(emitted, album_id) == [("published", 1), ("updated", 2)]
    with database.reading() as session:
        assert session.get_one(Album, album_id).cover_url == "/media/images/new.jpg"


def test_an_album_that_changes_while_its_last_track_goes_is_gone_for_all(
    deliver: Deliver,
    asset: MakeAsset,
    database: Database,
    meanwhile: Meanwhile,
    cover: Callable[[str, str], Callable[[], object]],
    emitted: Emitted,
) -> None:
    data = asset()
    deliver(READY, **data)
    _, album_id = ids(database)
    with meanwhile("album", cover(album_id, "/media/images/new.jpg")):
        deliver(DELETED, **(data | {"version": 9}))
    assert told(emitted, album_id) == [("published", 1), ("updated", 2), ("deleted", 3)]


@pytest.mark.parametrize("table", ["album", "artist"])
def test_what_is_edited_by_hand_while_its_last_track_goes_stays(
    table: str,
    deliver: Deliver,
    asset: MakeAsset,
    database: Database,
    meanwhile: Meanwhile,
    edit: Callable[..., Any],
) -> None:
    data = asset()
    deliver(DESCRIBED, **(data | {"version": 2}))
    artist_id, album_id = ids(database)
    edits = {
        "album": edit("albums", album_id, title="Hotter Space"),
        "artist": edit("artists", artist_id, name="Queen & Co"),
    }
    with meanwhile(table, edits[table]):
        deliver(DELETED, **(data | {"version": 9}))
    with database.reading() as session:
        artists = session.scalars(select(Artist.name)).all()
        albums = session.scalars(select(Album.title)).all()
    assert (artists, albums) == {
        "album": (["Queen"], ["Hotter Space"]),
        "artist": (["Queen & Co"], []),
    }[table]


def test_an_album_whose_last_two_tracks_go_at_the_same_time(
    deliver: Deliver,
    asset: MakeAsset,
    database: Database,
    meanwhile: Meanwhile,
) -> None:
    one, two = asset("One"), asset("Two")
    deliver(READY, **one)
    deliver(READY, **two)
    with meanwhile("track", lambda: deliver(DELETED, **(two | {"version": 9})), seconds=1):
        deliver(DELETED, **(one | {"version": 9}))
    with database.reading() as session:
        assert session.scalars(select(Album.title)).all() == []
        assert session.scalars(select(Artist.name)).all() == []


@pytest.mark.parametrize(
    ("read", "kind", "change"),
    [
        ("credit INNER JOIN artist ON .*", "artists", {"name": "Renamed"}),
        ("track LEFT OUTER JOIN album ON .*", "albums", {"title": "Renamed"}),
    ],
    ids=["artist", "album"],
)
def test_what_is_renamed_while_a_track_of_it_is_indexed_is_found_by_its_new_name(
    read: str,
    kind: str,
    change: dict[str, str],
    deliver: Deliver,
    asset: MakeAsset,
    publish: Callable[..., str],
    database: Database,
    meanwhile: Meanwhile,
    edit: Callable[..., Any],
) -> None:
    publish("One")
    two = asset("Two")
    deliver(DESCRIBED, **(two | {"version": 2}))
    subject_id = dict(zip(("artists", "albums"), ids(database), strict=True))[kind]
    with meanwhile(read, edit(kind, subject_id, **change), seconds=1):
        deliver(READY, **two)
    document = select(SearchDocument.artist, SearchDocument.album)
    with database.reading() as session:
        found = session.execute(document.where(SearchDocument.kind == "track")).all()
    assert [" ".join(row).count("renamed") for row in found] == [1, 1]
