"""A small service that does nothing but sing back, as processes that tests kill.

`python choir.py work NAME` is a worker of `common.events`; `python choir.py sing PLAN JOURNAL`
writes the notes that the file PLAN names. Their effects show both a lost event and one applied
twice.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, event, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import common.events.bus
import common.events.worker
from common.db import Database, Id, Unconfirmed, after_commit
from common.events import Event, Outbox, Projection, Subscriptions, apply_version, emit
from common.events.bus import KombuBus
from common.events.nudge import Nudge
from common.events.tables import metadata as bus_tables
from common.events.tables import outbox

NOTE, VERSE, VERSE_DELETED = "choir.note.sung.v1", "choir.verse.changed.v1", "choir.verse.gone.v1"

tables = MetaData()
# What the producer changes; its key makes a repeated write harmless, as an idempotency key does.
note = Table("note", tables, Column("subject_id", Id, primary_key=True))
# No key but a running number: an event applied twice leaves two rows.
effect = Table(
    "effect",
    tables,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("subject_id", String(40), nullable=False),
    Column("version", Integer, nullable=False),
)
poison = Table("poison", tables, Column("subject_id", Id, primary_key=True))


class Base(DeclarativeBase):
    metadata = tables


class Verse(Projection, Base):
    __tablename__ = "verse"
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    text: Mapped[str] = mapped_column(String(100))


class NoteSung(Event):
    event_type: ClassVar = NOTE
    subject_kind: ClassVar = "note"
    pitch: int


class NoteSungWrongly(Event):
    """Has the same type as `NoteSung` but not its shape, as an incompatible release would send."""

    event_type: ClassVar = NOTE
    subject_kind: ClassVar = "wrong"
    pitch: str = "high"


class VerseChanged(Event):
    event_type: ClassVar = VERSE
    subject_kind: ClassVar = "verse"
    text: str


class VerseGone(Event):
    event_type: ClassVar = VERSE_DELETED
    subject_kind: ClassVar = "verse"


subscriptions = Subscriptions()


@subscriptions.on(NOTE, NoteSung)
def sing_back(session: Session, event: NoteSung) -> None:
    is_poison = select(poison.c.subject_id).where(poison.c.subject_id == event.id)
    if session.execute(is_poison).first():
        raise RuntimeError("this note cannot be sung")
    _take_effect(session, event)


@subscriptions.on(VERSE, VerseChanged)
def learn(session: Session, event: VerseChanged) -> None:
    if apply_version(session, Verse, event, {"text": event.text}):
        _take_effect(session, event)


@subscriptions.on(VERSE_DELETED, VerseGone)
def forget(session: Session, event: VerseGone) -> None:
    if apply_version(session, Verse, event, {"text": ""}, deleted=True):
        _take_effect(session, event)


def _take_effect(session: Session, event: Event) -> None:
    time.sleep(float(os.environ.get("DRAG_SECONDS", "0")))
    session.execute(insert(effect).values(subject_id=event.id, version=event.version))
    crash_at("handler")
    after_commit(session, lambda: note_down("applied", event.id))


def note_down(what: str, subject: str) -> None:
    """Append a line to this service's log of what it did; short appends do not interleave."""
    path = Path(os.environ["FOLDER"]) / f"{os.environ['NAME']}.{what}"
    with path.open("a") as log:
        log.write(f"{subject} {time.time()}\n")


_crash_point, _, _crash_count = os.environ.get("CRASH", "").partition(":")
_left = int(_crash_count or 0)


def crash_at(point: str) -> None:
    """End this process with SIGKILL at the N-th time that `CRASH=point:N` comes to its point."""
    global _left
    if point == _crash_point:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), 9)


class ChoirBus(KombuBus):
    """The bus with points to die at, which also writes down every message it hands over."""

    def __init__(self, url: str, service: str) -> None:
        super().__init__(url, service)
        options: Any = self._connection.transport_options
        options["visibility_timeout"] = float(os.environ["VISIBILITY_SECONDS"])

    def publish(self, queue: str, bodies: Iterable[bytes]) -> bool:
        crash_at("before-publish")
        published = super().publish(queue, _counted(bodies))
        crash_at("after-publish")
        return published

    def receive(self, queue: str, handle: Callable[[bytes], None], seconds: float) -> int:
        if not queue.endswith(".events"):
            return super().receive(queue, handle, seconds)

        def receipted(body: bytes) -> None:
            if event_id := _event_id(body):
                note_down("received", event_id)
            handle(body)

        return super().receive(queue, receipted, seconds)


def _counted(bodies: Iterable[bytes]) -> Iterator[bytes]:
    for body in bodies:
        crash_at("publish")
        yield body


def _event_id(body: bytes) -> str | None:
    try:
        return str(orjson.loads(body)["id"])
    except (orjson.JSONDecodeError, KeyError):  # garbage that a test put there
        return None


def open_database(url: str, subscribers: list[str], cache_url: str) -> Database:
    routes = dict.fromkeys((NOTE, VERSE, VERSE_DELETED), subscribers)
    return Database(url, info={"outbox": Outbox("/choir", routes, Nudge(cache_url, "choir"))})


def create_schema(database: Database) -> None:
    tables.create_all(database.engine)
    bus_tables.create_all(database.engine)


def sing(database: Database, subject: str, journal: Path) -> None:
    """Commit a note and its event, then write it into the journal.

    Where it is not known whether a commit succeeded, asks again for the same note; raises what the
    driver raises after a minute of that.
    """
    deadline = time.monotonic() + 60
    while True:
        try:
            with database.transaction() as session:
                event_id = _sung_before(session, subject)
                if event_id is None:
                    session.execute(insert(note).values(subject_id=subject))
                    event_id = emit(session, NoteSung(id=subject, version=1, pitch=440))
            break
        except (SQLAlchemyError, Unconfirmed):  # the database is away, or died in a commit
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    with journal.open("a") as lines:
        lines.write(f"{subject} {event_id} {time.time()}\n")


def _sung_before(session: Session, subject: str) -> str | None:
    known = select(outbox.c.event_id).where(outbox.c.subject == f"note/{subject}")
    return session.execute(known).scalar()


def sing_all(plan: Path, journal: Path) -> None:
    """Sing what the plan names and the journal does not, `PACE` seconds apart."""
    database = _database()
    sung = {line.split()[0] for line in journal.read_text().splitlines()}
    pace, next_time = float(os.environ["PACE"]), time.monotonic()
    for subject in plan.read_text().split():
        if subject not in sung:
            time.sleep(max(0.0, next_time - time.monotonic()))
            next_time += pace
            sing(database, subject, journal)


def work(name: str) -> None:
    """Be the worker of a service."""
    setattr(common.events.worker, "KombuBus", ChoirBus)  # noqa: B010 - mypy knows better
    setattr(common.events.bus, "QUEUE_LIMIT", int(os.environ["QUEUE_LIMIT"]))  # noqa: B010
    _die_while_it_holds_the_mutex()
    common.events.worker.Worker(
        service=name,
        database=_database(),
        subscriptions=subscriptions,
        broker_url=os.environ["BROKER_URL"],
        cache_url=os.environ["CACHE_URL"],
        resend_lease=timedelta(seconds=float(os.environ["RESEND_LEASE_SECONDS"])),
    ).run()


def _database() -> Database:
    event.listen(Engine, "commit", lambda _connection: crash_at("commit"))
    subscribers = os.environ["SUBSCRIBERS"].split(",")
    return open_database(os.environ["DATABASE_URL"], subscribers, os.environ["CACHE_URL"])


def _die_while_it_holds_the_mutex() -> None:
    from kombu.transport.redis import QoS

    original: Any = QoS.restore_by_tag

    def restore_by_tag(self: Any, *arguments: Any, **options: Any) -> Any:
        crash_at("mutex")
        return original(self, *arguments, **options)

    setattr(QoS, "restore_by_tag", restore_by_tag)  # noqa: B010 - mypy knows better


if __name__ == "__main__":
    if sys.argv[1] == "sing":
        sing_all(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        work(sys.argv[2])
