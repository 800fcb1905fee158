"""What auth's events do here: tokens stop working, data goes and stays gone."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from common.auth import Identity
from common.auth.revocations import RevocationList
from common.db import Database, new_id, utcnow
from common.erasure import erased_user, is_erased
from common.events.tables import inbox, outbox
from common.testing.contracts import rows
from playlist.models import Entry, Play, Playlist, SavedTrack, Visibility
from playlist.services.playlists import create_playlist

Headers = dict[str, str]
Make = Callable[..., str]
Send = Callable[..., None]
Erase = Callable[[], None]

RECEIPT = "playlist.user_data.erased.v1"


@pytest.fixture
def count(database: Database) -> Callable[[], dict[str, int]]:
    def read() -> dict[str, int]:
        with database.reading() as session:
            return {
                model.__tablename__: session.scalar(select(func.count()).select_from(model)) or 0
                for model in (Playlist, Entry, SavedTrack, Play)
            }

    return read


@pytest.fixture
def fill(client: Any, make_track: Make, make_playlist: Make) -> Callable[[Headers], None]:
    """Return a function that gives a user two playlists with three entries, a like and a play."""

    def make(headers: Headers) -> None:
        track_id = make_track()
        make_playlist(track_id, track_id, headers=headers)
        make_playlist(track_id, headers=headers)
        client.put(f"/api/v1/me/tracks/{track_id}", headers=headers)
        body = {"track_id": track_id, "played_ms": 1}
        client.post("/api/v1/me/history", headers=headers, json=body)

    return make


def test_a_deleted_user_leaves_nothing_and_others_keep_theirs(
    ann: Headers,
    ann_id: str,
    bob: Headers,
    fill: Callable[[Headers], None],
    count: Callable[[], dict[str, int]],
    send: Send,
    erase: Erase,
    emitted: Callable[..., Any],
) -> None:
    fill(ann)
    fill(bob)
    send("auth.user.deleted.v1", ann_id, 4, updated_at=utcnow().isoformat())
    erase()
    assert count() == {"playlist": 2, "playlist_entry": 3, "saved_track": 1, "play": 1}
    (receipt,) = emitted(RECEIPT)
    assert receipt.items() >= {"id": ann_id, "service": "playlist", "rows": 7}.items()
    assert len(emitted("playlist.playlist.deleted.v1")) == 2


def test_erasing_again_does_no_harm(
    ann: Headers,
    ann_id: str,
    fill: Callable[[Headers], None],
    count: Callable[[], dict[str, int]],
    send: Send,
    erase: Erase,
    emitted: Callable[..., Any],
) -> None:
    fill(ann)
    for _ in range(2):
        send("auth.user.deleted.v1", ann_id, 4, updated_at=utcnow().isoformat())
        erase()
        erase()
    assert set(count().values()) == {0}
    # All there was is in each, and the newest is to be told from the others.
    assert [(r["version"], r["rows"]) for r in emitted(RECEIPT)] == [(1, 7), (2, 7)]


@pytest.fixture
def look_again(database: Database) -> Callable[[timedelta], None]:
    """Return a function that lets it be so long after the deletions, and time to look again."""

    def make(after: timedelta) -> None:
        with database.transaction() as session:
            at = utcnow() - after
            session.execute(update(erased_user).values(erased_at=at, look_at=at))

    return make


LATE = [
    ("auth.user.deleted.v1", 4),
    ("auth.user.disabled.v1", 3),
    ("catalog.track.updated.v1", 2),
    ("auth.session.revoked.v1", 1),
]


@pytest.mark.parametrize("order", list(itertools.permutations(LATE)))
def test_late_events_bring_nothing_back(
    ann: Headers,
    ann_id: str,
    fill: Callable[[Headers], None],
    count: Callable[[], dict[str, int]],
    send: Send,
    erase: Erase,
    order: tuple[tuple[str, int], ...],
) -> None:
    fill(ann)
    at = utcnow().isoformat()
    track = {"owner_id": ann_id, "title": "x", "credits": [], "state": "draft"}
    for kind, version in order:
        subject = ann_id if kind.startswith("auth.user") else new_id()
        send(kind, subject, version, updated_at=at, revoked_at=at, **track)
    erase()
    assert set(count().values()) == {0}


def test_what_a_request_wrote_during_an_erasure_is_swept(
    database: Database,
    ann_id: str,
    count: Callable[[], dict[str, int]],
    send: Send,
    erase: Erase,
    look_again: Callable[[timedelta], None],
    emitted: Callable[..., Any],
) -> None:
    send("auth.user.deleted.v1", ann_id, 4, updated_at=utcnow().isoformat())
    erase()
    with database.transaction() as session:
        create_playlist(session, ann_id, name="Late", description="", visibility=Visibility.PRIVATE)
        create_playlist(
            session, new_id(), name="Other", description="", visibility=Visibility.PRIVATE
        )
    for _ in range(2):
        look_again(timedelta(minutes=1))
        erase()
    assert count()["playlist"] == 1
    assert [receipt["rows"] for receipt in emitted(RECEIPT)] == [0, 1]


def test_an_erased_user_is_watched_for_an_hour_only(
    database: Database,
    ann_id: str,
    send: Send,
    erase: Erase,
    look_again: Callable[[timedelta], None],
) -> None:
    send("auth.user.deleted.v1", ann_id, 4, updated_at=utcnow().isoformat())
    look_again(timedelta(hours=1))
    erase()
    with database.reading() as session:
        assert session.scalar(select(erased_user.c.look_at)) is None
        assert is_erased(session, ann_id)


@pytest.mark.parametrize("kind", ["auth.user.disabled.v1", "auth.user.deleted.v1"])
def test_a_users_earlier_tokens_are_void(
    client: Any, ann: Headers, ann_id: str, bob: Headers, send: Send, kind: str
) -> None:
    send(kind, ann_id, 4, updated_at=(utcnow() + timedelta(seconds=1)).isoformat())
    assert client.get("/api/v1/playlists", headers=ann).status_code == 401
    assert client.get("/api/v1/playlists", headers=bob).status_code == 200


def test_a_revoked_sessions_tokens_are_void(
    client: Any, log_in: Callable[..., Headers], send: Send, ann_id: str
) -> None:
    session_id = new_id()
    ended, other = log_in(ann_id, session_id=session_id), log_in(ann_id)
    send("auth.session.revoked.v1", session_id, revoked_at=utcnow().isoformat(), user_id=ann_id)
    assert client.get("/api/v1/playlists", headers=ended).status_code == 401
    assert client.get("/api/v1/playlists", headers=other).status_code == 200


def test_a_revocation_names_its_user(
    database: Database, ann_id: str, send: Send, identify: Callable[..., Identity]
) -> None:
    send("auth.user.disabled.v1", ann_id, 3, updated_at=utcnow().isoformat())
    revoked = RevocationList(database)
    assert revoked.covers(identify(ann_id))
    assert not revoked.covers(identify())


def test_no_word_of_an_erased_user_is_kept(
    client: Any,
    ann: Headers,
    ann_id: str,
    make_track: Make,
    make_playlist: Make,
    send: Send,
    erase: Erase,
    database: Database,
) -> None:
    heard = make_track()
    make_playlist(heard, name="Tansy and Rue", description="hush now barley")
    gone = f"/api/v1/playlists/{make_playlist(name='Sorrel at Noon')}"
    version = {"If-Match": client.get(gone, headers=ann).headers["ETag"]}
    assert client.delete(gone, headers=ann | version).status_code == 204
    client.put(f"/api/v1/me/tracks/{heard}", headers=ann)
    body = {"track_id": heard, "played_ms": 45_000}
    client.post("/api/v1/me/history", headers=ann, json=body)
    track = {"owner_id": ann_id, "title": "Comfrey by Night", "state": "draft"}
    send("catalog.track.updated.v1", new_id(), **track | {"duration_ms": "long"})
    secrets = ("Tansy and Rue", "barley", "Sorrel at Noon", "Comfrey by Night")
    assert [word for word in secrets if not tables_with(database, word)] == []

    send("auth.user.deleted.v1", ann_id, 4, updated_at=utcnow().isoformat())
    erase()
    assert {word: found for word in secrets if (found := tables_with(database, word))} == {}
    # An id remains where it blocks what comes late, and in events that hold no more than ids.
    assert tables_with(database, ann_id) == {"erased_user", "inbox", "outbox", "revocation"}
    with database.reading() as session:
        named = select(outbox.c.type).where(outbox.c.envelope.contains(ann_id)).distinct()
        kinds = set(session.scalars(named))
        kept = select(inbox.c.envelope).where(inbox.c.envelope.is_not(None))
        assert session.scalars(kept).all() == []
    assert kinds == {"playlist.playlist.deleted.v1", RECEIPT}


def tables_with(database: Database, words: str) -> set[str]:
    """Return the tables in which a text is found."""
    return {table for table, found in rows(database).items() if any(words in row for row in found)}
