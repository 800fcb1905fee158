"""News of assets, in any order and any number of times."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from catalog.models import Album, Artist, Asset, Track, TrackState
from common.db import Database, new_id
from common.events import Envelope

Deliver = Callable[..., str]
MakeAsset = Callable[..., dict[str, Any]]

DESCRIBED = "media.asset.described.v1"
READY = "media.asset.ready.v1"
FAILED = "media.asset.failed.v1"
DELETED = "media.asset.deleted.v1"


def state_of(database: Database) -> Any:
    """Everything about tracks, albums and artists that must not depend on the order of events."""
    with database.reading() as session:
        tracks = session.scalars(select(Track)).all()
        return (
            [
                (t.asset_id, t.title, t.state, t.duration_ms, t.integrated_lufs, t.has_audio)
                for t in tracks
            ],
            [(t.failure, [c.artist.name for c in t.credits], t.genres) for t in tracks],
            [(a.title, a.published_at is not None) for a in session.scalars(select(Album))],
            sorted((a.name, a.published_at is not None) for a in session.scalars(select(Artist))),
            [(a.src_version, a.deleted) for a in session.scalars(select(Asset))],
        )


def histories() -> list[list[tuple[str, dict[str, Any]]]]:
    """What may happen to one asset, each step with what the event says."""
    early = {"loudness": None, "duration_ms": 248_013}
    silent = early | {"tags": None, "duration_ms": None}
    return [
        [(DESCRIBED, early), (READY, {})],
        [(DESCRIBED, early), (FAILED, early | {"failure": "no luck"})],
        [(FAILED, silent | {"failure": "not audio"})],
        [(FAILED, silent | {"failure": "not audio"}), (DESCRIBED, early), (READY, {})],
        [(DESCRIBED, early), (READY, {}), (DELETED, {})],
        [(DESCRIBED, early), (FAILED, early | {"failure": "no luck"}), (READY, {})],
    ]


@pytest.mark.parametrize("history", histories(), ids=lambda h: "-".join(k[12:-3] for k, _ in h))
def test_every_order_and_every_duplicate_ends_the_same(
    history: list[tuple[str, dict[str, Any]]],
    database: Database,
    deliver: Deliver,
    asset: MakeAsset,
) -> None:
    outcomes = []
    for order in itertools.permutations(enumerate(history, start=1)):
        base = asset() | {"id": "01938b1c-8a00-7d10-9a01-5c2f7b8e6d11"}
        envelopes = [
            (kind, new_id(), base | says | {"version": version}) for version, (kind, says) in order
        ]
        for kind, event_id, data in [*envelopes, *envelopes]:
            deliver(kind, event_id=event_id, **data)
        outcomes.append(state_of(database))
        with database.transaction() as session:
            for table in reversed(Track.metadata.sorted_tables):
                session.execute(table.delete())
    assert all(outcome == outcomes[0] for outcome in outcomes), outcomes


def test_ready_before_described_publishes_at_once(
    database: Database, deliver: Deliver, asset: MakeAsset
) -> None:
    data = asset(version=3)
    deliver(READY, **data)
    deliver(DESCRIBED, **(data | {"version": 2, "duration_ms": 1}))
    with database.reading() as session:
        track = session.scalars(select(Track)).one()
        assert (track.state, track.duration_ms) == (TrackState.PUBLISHED, 248_000)


def test_the_uploader_knows_better_than_the_tags(
    database: Database, deliver: Deliver, asset: MakeAsset
) -> None:
    metadata = {"title": "Given", "artist": None, "genres": ["Art Rock", "art rock", "Pop"]}
    deliver(READY, **asset("Tagged", metadata=metadata))
    with database.reading() as session:
        track = session.scalars(select(Track)).one()
        assert track.title == "Given"
        assert [c.artist.name for c in track.credits] == ["Queen"]
        assert track.genres == ["Art Rock", "Pop"]


@pytest.mark.parametrize(
    ("filename", "title"),
    [
        ("Side A.take 2.flac", "Side A.take 2"),
        ("C:\\Music\\song.mp3", "song"),
        ("../../etc/evil.mp3", "evil"),
        ("...", "..."),
        ("/", "Untitled"),
    ],
)
def test_a_file_without_tags_is_named_after_itself(
    filename: str, title: str, database: Database, deliver: Deliver, asset: MakeAsset
) -> None:
    deliver(READY, **(asset(filename=filename) | {"tags": None}))
    with database.reading() as session:
        track = session.scalars(select(Track)).one()
        assert track.title == title
        assert [c.artist.name for c in track.credits] == ["Unknown Artist"]
        assert track.album_id is None


def test_tracks_of_one_album_share_it(
    database: Database, deliver: Deliver, asset: MakeAsset
) -> None:
    deliver(READY, **asset("One", tags={"album": "Hot Space", "artist": "QUEEN", "year": 1982}))
    deliver(READY, **asset("Two", tags={"album": "HOT  SPACE", "artist": "Queen"}))
    deliver(READY, **asset("Three", tags={"album": "Hot Space", "album_artist": "Somebody"}))
    deliver(READY, **asset("Four", owner_id=new_id()))
    with database.reading() as session:
        albums = session.scalars(select(Album).order_by(Album.id)).all()
        assert [(a.title, a.artist.name) for a in albums] == [
            ("Hot Space", "QUEEN"),
            ("Hot Space", "Somebody"),
            ("Hot Space", "Queen"),
        ]
        assert albums[0].release_date is not None
        assert albums[0].release_date.isoformat() == "1982-01-01"


def test_what_the_owner_said_outlives_later_news(
    client: FlaskClient,
    owner: dict[str, str],
    draft: Callable[..., str],
    deliver: Deliver,
    database: Database,
    asset: MakeAsset,
) -> None:
    data = asset()
    deliver(DESCRIBED, **data)
    with database.reading() as session:
        track_id = session.scalars(select(Track.id)).one()
    client.patch(f"/api/v1/tracks/{track_id}", json={"title": "Mine"}, headers=owner)
    deliver(READY, **(data | {"version": 4, "duration_ms": 5}))
    with database.reading() as session:
        track = session.get_one(Track, track_id)
        assert (track.title, track.duration_ms, track.state) == ("Mine", 5, "published")


def test_a_hidden_draft_stays_hidden_when_its_audio_is_ready(
    client: FlaskClient,
    owner: dict[str, str],
    deliver: Deliver,
    database: Database,
    asset: MakeAsset,
) -> None:
    data = asset()
    deliver(DESCRIBED, **data)
    with database.reading() as session:
        path = f"/api/v1/tracks/{session.scalars(select(Track.id)).one()}"
    assert client.patch(path, json={"state": "hidden"}, headers=owner).status_code == 200
    deliver(READY, **(data | {"version": 4}))
    assert client.get(path, headers=owner).get_json()["state"] == "hidden"
    assert client.patch(path, json={"state": "published"}, headers=owner).status_code == 200


def test_a_track_that_its_owner_deleted_does_not_come_back(
    client: FlaskClient,
    owner: dict[str, str],
    deliver: Deliver,
    database: Database,
    asset: MakeAsset,
) -> None:
    data = asset()
    deliver(DESCRIBED, **data)
    with database.reading() as session:
        track_id = session.scalars(select(Track.id)).one()
    assert client.delete(f"/api/v1/tracks/{track_id}", headers=owner).status_code == 204
    deliver(READY, **(data | {"version": 4}))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Track)) == 0


def test_events_of_a_track_carry_its_full_state(
    deliver: Deliver, asset: MakeAsset, emitted: Callable[[], list[Envelope]], owner_id: str
) -> None:
    data = asset(tags={"track_number": 4})
    deliver(DESCRIBED, **(data | {"version": 2}))
    deliver(READY, **(data | {"version": 3}))
    deliver(DELETED, **(data | {"version": 4}))
    seen = [(e.type.removeprefix("catalog."), e.data["version"]) for e in emitted()]
    assert seen == [
        ("track.updated.v1", 1),
        ("artist.published.v1", 1),
        ("album.published.v1", 1),
        ("track.published.v1", 2),
        ("track.deleted.v1", 3),
        ("album.deleted.v1", 2),
        ("artist.deleted.v1", 2),
    ]
    published = emitted()[3].data
    assert published["owner_id"] == owner_id
    assert published["asset_id"] == data["id"]
    assert published["track_number"] == 4
    assert published["credits"] == [{"artist_id": emitted()[1].data["id"], "role": "primary"}]
    assert published["album_id"] == emitted()[2].data["id"]
    assert published["state"] == "published"


def test_a_cover_goes_with_the_asset_it_came_from(
    database: Database, publish: Callable[..., str], deliver: Deliver, asset: MakeAsset
) -> None:
    first = asset("One", cover={"url": "/media/images/1.jpg"})
    deliver(READY, **first)
    publish("Two", cover={"url": "/media/images/2.jpg"})
    deliver(DELETED, **(first | {"version": 9}))
    with database.reading() as session:
        assert session.scalars(select(Album.cover_url)).one() == "/media/images/2.jpg"
