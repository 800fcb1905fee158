"""Many at once on one subject: nothing is lost and nothing is counted twice."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from catalog.models import Album, Artist, PlayCount, Track
from catalog.worker import subscriptions
from common.db import Database, new_id
from common.events import Envelope
from common.events.inbox import receive, retry_due
from common.events.tables import inbox

WORKERS = 4


def at_once(work: Callable[[int], Any], times: int) -> list[Any]:
    """Run `work` from several threads that start together."""
    barrier = threading.Barrier(WORKERS)

    def run(worker: int) -> list[Any]:
        barrier.wait()
        return [work(n) for n in range(worker, times, WORKERS)]

    with ThreadPoolExecutor(WORKERS) as pool:
        return [result for part in pool.map(run, range(WORKERS)) for result in part]


def envelope(kind: str, data: dict[str, Any]) -> bytes:
    fields = {"id": new_id(), "source": "/media", "type": kind, "subject": "x/y", "data": data}
    fields |= {"time": "2026-11-23T12:00:00Z", "dataschema": "/x", "sequence": "1"}
    return Envelope.model_validate(fields).model_dump_json().encode()


def settle(database: Database) -> None:
    """Retry, as the worker does each second, what had lost a race."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        retry_due(database, subscriptions)
        with database.reading() as session:
            waiting = session.scalars(select(inbox.c.last_error).where(inbox.c.state != "done"))
            if not waiting.all():
                return
        time.sleep(0.1)
    raise AssertionError("some events were never applied")


def test_an_album_arriving_all_at_once_is_one_album(
    database: Database, asset: Callable[..., dict[str, Any]]
) -> None:
    bodies = []
    for number in range(12):
        data = asset(f"Track {number}", tags={"artist": "Queen feat. David Bowie"})
        bodies.append(envelope("media.asset.described.v1", data | {"version": 2}))
        bodies.append(envelope("media.asset.ready.v1", data | {"version": 3}))
    at_once(lambda n: receive(database, subscriptions, bodies[n]), len(bodies))
    settle(database)
    with database.reading() as session:
        counts = [
            session.scalar(select(func.count()).select_from(model))
            for model in (Track, Album, Artist)
        ]
        states = set(session.scalars(select(Track.state)))
    assert (counts, states) == ([12, 1, 2], {"published"})


def test_no_change_and_no_play_is_lost(
    database: Database,
    publish: Callable[..., str],
    app: Flask,
    owner: dict[str, str],
) -> None:
    track_id = publish()
    with database.reading() as session:
        before = session.get_one(Track, track_id).version
    played = {"id": "", "version": 1, "track_id": track_id, "played_at": "2026-11-23T12:00:00Z"}

    def step(number: int) -> int:
        body = envelope("playlist.track.played.v1", played | {"id": new_id()})
        receive(database, subscriptions, body)
        response = app.test_client().patch(
            f"/api/v1/tracks/{track_id}", json={"track_number": number + 1}, headers=owner
        )
        return response.status_code

    assert set(at_once(step, 24)) == {200}
    settle(database)
    with database.reading() as session:
        assert session.get_one(Track, track_id).version == before + 24
        assert session.get_one(PlayCount, track_id).total == 24
