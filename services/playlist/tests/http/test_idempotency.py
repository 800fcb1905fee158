"""Creating requests that come twice."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from common.db import Database, new_id, utcnow
from common.idempotency import idempotency_key
from playlist.models import Entry, Play, Playlist

Headers = dict[str, str]
Make = Callable[..., str]
Post = Callable[..., Any]

PATH = "/api/v1/playlists"
THREADS = 20


@pytest.fixture
def post(app: Flask, ann: Headers) -> Post:
    """Return a function that posts with a key, as Ann unless told otherwise."""

    def send(path: str, key: str, *, by: Headers = ann, **body: Any) -> Any:
        headers = by | {"Idempotency-Key": key}
        if "if_match" in body:
            headers["If-Match"] = body.pop("if_match")
        return app.test_client().post(path, headers=headers, json=body)

    return send


@pytest.fixture
def count(database: Database) -> Callable[[Any], int]:
    def find(model: Any) -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    return find


def test_a_playlist_is_made_once(
    post: Post, count: Callable[[Any], int], emitted: Callable[..., Any]
) -> None:
    key = new_id()
    first, again = (post(PATH, key, name="Evening") for _ in range(2))
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert again.headers["Location"] == f"{PATH}/{first.json['id']}"
    assert again.headers["ETag"] == first.headers["ETag"] == '"1"'
    assert count(Playlist) == 1
    assert len(emitted("playlist.playlist.created.v1")) == 1
    assert post(PATH, key, name="Night").status_code == 422


def test_entries_are_added_once_though_the_version_moved_on(
    post: Post, make_playlist: Make, make_track: Make, count: Callable[[Any], int]
) -> None:
    path, key, track_id = f"{PATH}/{make_playlist()}/entries", new_id(), make_track()
    first = post(path, key, track_ids=[track_id], if_match='"1"')
    again = post(path, key, track_ids=[track_id], if_match='"1"')
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["ETag"] == '"2"'
    assert count(Entry) == 1
    assert post(path, new_id(), track_ids=[track_id], if_match='"1"').status_code == 412


def test_a_refusal_of_entries_is_asked_again(
    post: Post, make_playlist: Make, make_track: Make, count: Callable[[Any], int]
) -> None:
    path, key, track_id = f"{PATH}/{make_playlist()}/entries", new_id(), new_id()
    assert post(path, key, track_ids=[track_id]).status_code == 422
    make_track(id=track_id)  # the news of it came late
    assert post(path, key, track_ids=[track_id]).status_code == 201
    assert count(Entry) == 1


def test_a_play_is_told_once_without_an_id_of_its_own(
    post: Post, make_track: Make, count: Callable[[Any], int]
) -> None:
    key, track_id = new_id(), make_track()
    first, again = (
        post("/api/v1/me/history", key, track_id=track_id, played_ms=40_000) for _ in range(2)
    )
    assert (again.status_code, again.data) == (201, first.data)
    assert count(Play) == 1


def test_a_key_is_of_no_use_to_others(
    post: Post, bob: Headers, count: Callable[[Any], int]
) -> None:
    key = new_id()
    mine, his = post(PATH, key, name="Evening"), post(PATH, key, by=bob, name="Evening")
    assert mine.json["owner_id"] != his.json["owner_id"]
    assert count(Playlist) == 2


def test_many_at_once_make_one_playlist(post: Post, count: Callable[[Any], int]) -> None:
    key, barrier = new_id(), threading.Barrier(THREADS)

    def send(_number: int) -> tuple[int, bytes]:
        barrier.wait()
        answer = post(PATH, key, name="Evening")
        return answer.status_code, answer.data

    with ThreadPoolExecutor(THREADS) as pool:
        ((status, _),) = set(pool.map(send, range(THREADS)))
    assert status == 201
    assert count(Playlist) == 1


def test_kept_answers_go_with_the_account(
    post: Post,
    ann_id: str,
    bob: Headers,
    send: Callable[..., None],
    erase: Callable[[], None],
    database: Database,
) -> None:
    post(PATH, new_id(), name="Ann's")
    post(PATH, new_id(), by=bob, name="Bob's")
    send("auth.user.deleted.v1", ann_id, 4, updated_at=utcnow().isoformat())
    erase()
    with database.reading() as session:
        (body,) = session.scalars(select(idempotency_key.c.body))
    assert "Bob's" in body
