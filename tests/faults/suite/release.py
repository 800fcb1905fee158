"""Processes of another release: `produce SERVICE old|new ROUNDS PAUSE` and `consume`.

The first writes golden samples to a service's outbox; the other is a worker of playlist that knows
less than today's.
"""

import json
import os
import sys
import time
import uuid
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session
from tests.faults.suite.harness import CONTRACTS

from common.db import Database, db_time, new_id
from common.events import Event, Subscriptions, apply_version, load_routes, open_database
from common.events.tables import outbox, outbox_delivery
from common.events.worker import run_worker
from common.settings import load
from common.testing.contracts import published_samples, with_unknown_fields
from playlist.consumers import auth
from playlist.models import Album, Artist, Track
from playlist.settings import PlaylistSettings

old = Subscriptions()


class TrackOfOld(Event):
    """What playlist wanted to know of a track before there were credits, albums and durations."""

    owner_id: str
    title: str
    state: str


class ArtistOfOld(Event):
    """An artist's name."""

    name: str


class AlbumOfOld(Event):
    """An album's title."""

    title: str


@old.on("catalog.track.published.v1", TrackOfOld)
@old.on("catalog.track.updated.v1", TrackOfOld)
def mirror_track(session: Session, event: TrackOfOld) -> None:
    """Keep what is known; the columns that came later get what their defaults would be."""
    later: dict[str, Any] = {"credits": [], "album_id": None, "duration_ms": None}
    apply_version(session, Track, event, event.model_dump(exclude={"id", "version"}) | later)


@old.on("catalog.track.deleted.v1", Event)
def bury_track(session: Session, event: Event) -> None:
    """Leave a tombstone."""
    nothing = {"owner_id": "", "title": "", "state": "deleted", "credits": []}
    apply_version(session, Track, event, nothing, deleted=True)


@old.on("catalog.artist.published.v1", ArtistOfOld)
@old.on("catalog.artist.updated.v1", ArtistOfOld)
def mirror_artist(session: Session, event: ArtistOfOld) -> None:
    """Keep the name."""
    apply_version(session, Artist, event, {"name": event.name})


@old.on("catalog.artist.deleted.v1", Event)
def bury_artist(session: Session, event: Event) -> None:
    """Leave a tombstone."""
    apply_version(session, Artist, event, {"name": ""}, deleted=True)


@old.on("catalog.album.published.v1", AlbumOfOld)
@old.on("catalog.album.updated.v1", AlbumOfOld)
def mirror_album(session: Session, event: AlbumOfOld) -> None:
    """Keep the title."""
    apply_version(session, Album, event, {"title": event.title})


@old.on("catalog.album.deleted.v1", Event)
def bury_album(session: Session, event: Event) -> None:
    """Leave a tombstone."""
    apply_version(session, Album, event, {"title": ""}, deleted=True)


def consume() -> None:
    """Work as playlist's worker of the old release."""
    settings = load(PlaylistSettings)
    database = open_database("playlist", settings)
    run_worker("playlist", settings, database, old | auth.subscriptions)


def produce(service: str, release: str, rounds: int, pause: float) -> None:
    """Commit each of the service's golden samples once a round, about subjects of that round.

    The old release tells of version 1 of each, the new one of version 2, with fields that no
    consumer knows.
    """
    database = Database(os.environ[f"{service.upper()}_DATABASE_URL"])
    routes = load_routes(CONTRACTS)
    for number in range(rounds):
        for kind, sample in published_samples(CONTRACTS, service).items():
            subscribers = [each for each in routes.get(kind, ()) if each != "external"]
            if subscribers:
                _commit(database, _envelope(sample, number, release), subscribers)
        time.sleep(pause)
    database.dispose()


def subject_id(kind: str, number: int) -> str:
    """Return the id of what a type of event tells of in a round."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{number}"))


def _envelope(sample: dict[str, Any], number: int, release: str) -> dict[str, Any]:
    about, version = subject_id(sample["type"], number), 1 if release == "old" else 2
    data = sample["data"] | {"id": about, "version": version}
    if release == "new":
        data |= {"lead_in_ms": 250}
        sample = with_unknown_fields(sample)
        data = with_unknown_fields(data)
    subject = f"{sample['subject'].partition('/')[0]}/{about}"
    own = {"id": new_id(), "subject": subject, "sequence": str(version), "data": data}
    return sample | own


def _commit(database: Database, envelope: dict[str, Any], subscribers: list[str]) -> None:
    # Not through `emit`: today's envelope would leave out what it does not know.
    with database.transaction() as session:
        now = db_time(session)
        row = {name: envelope[name] for name in ("type", "subject")}
        row |= {"event_id": envelope["id"], "version": int(envelope["sequence"])}
        row |= {"envelope": json.dumps(envelope), "created_at": now}
        session.execute(insert(outbox).values(row))
        deliveries = [
            {"event_id": envelope["id"], "subscriber": each, "next_at": now, "attempts": 0}
            for each in subscribers
        ]
        session.execute(insert(outbox_delivery), deliveries)


if __name__ == "__main__":
    if sys.argv[1] == "consume":
        consume()
    else:
        produce(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
