"""Clients that change a playlist at the same time, on a real database file."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise

import pytest
from sqlalchemy import select, update

from common.auth import Identity
from common.db import Database, new_id
from common.errors import NotFound
from playlist.models import Entry, Play, Playlist, SavedTrack, Visibility
from playlist.models.ordering import GAP
from playlist.services.entries import add_entries, move_entry, remove_entry
from playlist.services.history import record_play
from playlist.services.library import save_track, unsave_track
from playlist.services.playlists import create_playlist

THREADS = 6
ROUNDS = 15


@pytest.fixture
def owner(identify: Callable[..., Identity]) -> Identity:
    return identify()


@pytest.fixture
def playlist_id(database: Database, owner: Identity) -> str:
    with database.transaction() as session:
        made = create_playlist(
            session, owner.user_id, name="Mix", description="", visibility=Visibility.PRIVATE
        )
        return made.id


@pytest.fixture
def at_once() -> Iterator[Callable[[Callable[[int], object]], list[object]]]:
    """Return a function that calls another in all threads, started together."""
    barrier = threading.Barrier(THREADS)

    def run(work: Callable[[int], object]) -> list[object]:
        def start(number: int) -> object:
            barrier.wait()
            return work(number)

        return list(pool.map(start, range(THREADS)))

    with ThreadPoolExecutor(THREADS) as pool:
        yield run


def entries(database: Database, playlist_id: str) -> list[Entry]:
    with database.reading() as session:
        query = select(Entry).where(Entry.playlist_id == playlist_id).order_by(Entry.sort_key)
        return list(session.scalars(query))


def test_appends_at_once_lose_and_double_nothing(
    database: Database,
    owner: Identity,
    playlist_id: str,
    make_track: Callable[..., str],
    at_once: Callable[..., list[list[str]]],
) -> None:
    tracks = [make_track() for _ in range(THREADS)]

    def append(number: int) -> list[str]:
        added: list[str] = []
        for _ in range(ROUNDS):
            with database.transaction() as session:
                _, ids = add_entries(
                    session,
                    playlist_id,
                    owner,
                    versions=None,
                    track_ids=[tracks[number]] * 2,
                    position=None,
                )
                added += ids
        return added

    added = at_once(append)
    found = entries(database, playlist_id)
    assert sorted(entry.id for entry in found) == sorted(chain(*added))
    # Everybody's own entries stand in the order in which they were added, pairs together.
    for track_id, ids in zip(tracks, added, strict=True):
        assert [entry.id for entry in found if entry.track_id == track_id] == ids
    assert all(a.track_id == b.track_id for a, b in zip(found[::2], found[1::2], strict=True))
    with database.reading() as session:
        playlist = session.get_one(Playlist, playlist_id)
    assert playlist.entry_count == THREADS * ROUNDS * 2
    assert playlist.version == 1 + THREADS * ROUNDS


def test_everything_at_once_lose_and_double_nothing(
    database: Database,
    owner: Identity,
    playlist_id: str,
    make_track: Callable[..., str],
    at_once: Callable[..., list[int]],
) -> None:
    track_id = make_track()
    with database.transaction() as session:
        _, kept = add_entries(
            session, playlist_id, owner, versions=None, track_ids=[track_id] * 20, position=None
        )
    # Close together, so that making room is part of the game.
    with database.transaction() as session:
        for index, entry_id in enumerate(kept):
            query = update(Entry).where(Entry.id == entry_id)
            session.execute(query.values(sort_key=20 * GAP + 2 * index))

    def shuffle(number: int) -> int:
        chance, balance, own = random.Random(number), 0, list[str]()
        for _ in range(ROUNDS):
            action = chance.choice(["add", "move", "move", "remove"])
            with database.transaction() as session:
                target = (session, playlist_id, owner)
                if action == "add":
                    _, ids = add_entries(
                        *target, versions=None, track_ids=[track_id] * 2, position=1
                    )
                    own += ids
                    balance += 2
                elif action == "move":
                    entry_id = chance.choice(kept)
                    move_entry(
                        *target, versions=None, entry_id=entry_id, position=chance.randrange(15)
                    )
                elif own:
                    remove_entry(*target, versions=None, entry_id=own.pop())
                    balance -= 1
        return balance

    balance = sum(at_once(shuffle))
    found = entries(database, playlist_id)
    assert len({entry.id for entry in found}) == len(found) == 20 + balance
    assert {entry.id for entry in found} >= set(kept)
    assert all(a.sort_key < b.sort_key for a, b in pairwise(found))
    with database.reading() as session:
        assert session.get_one(Playlist, playlist_id).entry_count == len(found)


def test_an_entry_is_removed_by_one_only(
    database: Database,
    owner: Identity,
    playlist_id: str,
    make_track: Callable[..., str],
    at_once: Callable[..., list[bool]],
) -> None:
    with database.transaction() as session:
        _, (entry_id,) = add_entries(
            session,
            playlist_id,
            owner,
            versions=None,
            track_ids=[make_track()],
            position=None,
        )

    def remove(_number: int) -> bool:
        try:
            with database.transaction() as session:
                remove_entry(session, playlist_id, owner, versions=None, entry_id=entry_id)
        except NotFound:
            return False
        return True

    assert sum(at_once(remove)) == 1
    with database.reading() as session:
        assert session.get_one(Playlist, playlist_id).entry_count == 0


def test_likes_and_plays_at_once_are_kept_once(
    database: Database,
    owner: Identity,
    make_track: Callable[..., str],
    at_once: Callable[..., list[bool]],
    emitted: Callable[..., list[object]],
) -> None:
    track_id, play_id = make_track(), new_id()

    def like_and_play(_number: int) -> bool:
        with database.transaction() as session:
            save_track(session, owner, track_id)
        with database.transaction() as session:
            _, is_new = record_play(
                session,
                owner,
                track_id=track_id,
                played_ms=60_000,
                played_at=None,
                play_id=play_id,
            )
        return is_new

    assert sum(at_once(like_and_play)) == 1
    with database.reading() as session:
        assert session.get_one(SavedTrack, (owner.user_id, track_id)).version == 1
        assert session.get_one(Play, (owner.user_id, play_id)).counted
    assert len(emitted("playlist.track.liked.v1")) == 1
    assert len(emitted("playlist.track.played.v1")) == 1


def test_likes_turned_on_and_off_at_once_count_every_turn(
    database: Database,
    owner: Identity,
    make_track: Callable[..., str],
    at_once: Callable[..., list[None]],
    emitted: Callable[..., list[dict[str, int]]],
) -> None:
    track_id = make_track()

    def toggle(number: int) -> None:
        for _ in range(ROUNDS):
            with database.transaction() as session:
                if number % 2:
                    save_track(session, owner, track_id)
                else:
                    unsave_track(session, owner.user_id, track_id)

    at_once(toggle)
    events = [*emitted("playlist.track.liked.v1"), *emitted("playlist.track.unliked.v1")]
    with database.reading() as session:
        version = session.get_one(SavedTrack, (owner.user_id, track_id)).version
    assert sorted(event["version"] for event in events) == list(range(1, version + 1))
