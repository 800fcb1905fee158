"""What catalog told of a deleted user's music leaves playlist, whether catalog tells so or not."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, insert, select

from common.db import Database, new_id, utcnow
from common.db.migrate import upgrade
from common.testing.contracts import rows
from common.testing.schemas import MakeSchema
from playlist.models import Album, Artist, Base, Track

Make = Callable[..., str]
Send = Callable[..., None]
Erase = Callable[[], None]
Tell = Callable[[str], dict[str, str]]
State = tuple[str, bool, int]


@pytest.fixture
def tell(make_track: Make, make_artist: Make, send: Send) -> Tell:
    """Return a function that makes catalog tell of a user's music; gives the ids by kind."""

    def make(owner_id: str) -> dict[str, str]:
        album_id = new_id()
        send("catalog.album.published.v1", album_id, owner_id=owner_id, title="Dill and Sage")
        artist_id = make_artist("Nettle", owner_id=owner_id)
        track = {"album_id": album_id, "owner_id": owner_id, "title": "Yarrow"}
        track_id = make_track(artist_id, **track)
        return {"track": track_id, "artist": artist_id, "album": album_id}

    return make


@pytest.fixture
def delete_ann(send: Send, ann_id: str) -> Callable[[], None]:
    def delete() -> None:
        send("auth.user.deleted.v1", ann_id, 4, updated_at=utcnow().isoformat())

    return delete


def states(database: Database, ids: dict[str, str]) -> dict[str, State]:
    """Return title or name, whether it is deleted, and the version of each."""
    with database.reading() as session:
        track = session.get_one(Track, ids["track"])
        artist = session.get_one(Artist, ids["artist"])
        album = session.get_one(Album, ids["album"])
        return {
            "track": (track.title, track.deleted, track.src_version),
            "artist": (artist.name, artist.deleted, artist.src_version),
            "album": (album.title, album.deleted, album.src_version),
        }


def test_it_becomes_tombstones_and_others_keep_theirs(
    database: Database,
    ann_id: str,
    tell: Tell,
    delete_ann: Callable[[], None],
    erase: Erase,
    emitted: Callable[..., Any],
) -> None:
    anns, bobs = tell(ann_id), tell(new_id())
    before = states(database, bobs)
    delete_ann()
    erase()
    assert set(states(database, anns).values()) == {("", True, 1)}
    assert states(database, bobs) == before
    found = rows(database)
    assert [table for table in ("track", "artist", "album") if ann_id in str(found[table])] == []
    (receipt,) = emitted("playlist.user_data.erased.v1")
    assert receipt["rows"] == 3


def test_late_states_bring_nothing_back_and_deletions_still_count(
    database: Database,
    ann_id: str,
    tell: Tell,
    send: Send,
    delete_ann: Callable[[], None],
    erase: Erase,
) -> None:
    ids = tell(ann_id)
    delete_ann()
    erase()
    state = {"owner_id": ann_id, "title": "Yarrow", "name": "Nettle", "state": "published"}
    for kind, subject_id in ids.items():
        send(f"catalog.{kind}.updated.v1", subject_id, 2, **state)
        send(f"catalog.{kind}.updated.v1", new_id(), 2, **state)  # nobody has heard of it yet
    assert set(states(database, ids).values()) == {("", True, 1)}
    for kind, subject_id in ids.items():
        send(f"catalog.{kind}.deleted.v1", subject_id, 3, owner_id=ann_id)
    assert set(states(database, ids).values()) == {("", True, 3)}
    found = rows(database)
    assert [len(found[kind]) for kind in ids] == [1, 1, 1]


def test_it_goes_in_small_steps(
    ann_id: str,
    make_track: Make,
    delete_ann: Callable[[], None],
    erase: Erase,
    database: Database,
    count_queries: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("playlist.services.erasure._BATCH", 2)
    for _ in range(5):
        make_track(owner_id=ann_id)
    delete_ann()
    with count_queries() as statements:
        erase()
    assert len([each for each in statements if each.startswith("UPDATE track ")]) == 3
    with database.reading() as session:
        assert set(session.scalars(select(Track.title))) == {""}


@pytest.fixture
def former(make_schema: MakeSchema) -> str:
    """Return the URL of a schema in which artists and albums have no owner yet."""
    url = make_schema(migrating=True)
    upgrade("playlist", url, "0004")
    return url


def test_artists_and_albums_of_former_releases_get_their_tracks_owner(former: str) -> None:
    named, unnamed, gone = (new_id() for _ in range(3))
    owner_id = new_id()
    engine = create_engine(former)
    with engine.begin() as connection:
        for model, field in ((Artist, "name"), (Album, "title")):
            for key in (named, unnamed, gone):
                _write(connection, model, id=key, deleted=key == gone, **{field: "x"})
        for album_id in (named, gone, None):
            credit = {"artist_id": album_id or named, "role": "primary"}
            music = {"title": "x", "credits": [credit], "album_id": album_id, "state": "draft"}
            _write(connection, Track, id=new_id(), owner_id=owner_id, deleted=False, **music)
        nothing = Track.NOTHING | {"credits": [{"artist_id": unnamed, "role": "primary"}]}
        _write(connection, Track, id=new_id(), deleted=True, **nothing)
    upgrade("playlist", former)
    with engine.connect() as connection:
        for model in (Artist, Album):
            found = connection.execute(select(model.id, model.owner_id)).tuples()
            assert dict(found.all()) == {named: owner_id, unnamed: None, gone: None}
    engine.dispose()


def _write(connection: Any, model: type[Base], **values: Any) -> None:
    table = model.__table__
    assert isinstance(table, Table)
    connection.execute(insert(table).values(src_version=1, **values))
