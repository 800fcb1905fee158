"""A service that does nothing but sing back: `python choir.py NAME`, for tests of the bus.

It applies `choir.note.sung.v1` by adding the note's value to its sum, an effect that shows both a
lost event and one applied twice. `CRASH_BEFORE_PUBLISH=N` kills the process with SIGKILL when it is
about to publish for the Nth time, which is after the claim was committed.
"""

import os
import signal
import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update
from sqlalchemy.orm import Session

from common.db import Database
from common.events import Event, Outbox, Subscriptions
from common.events.bus import KombuBus
from common.events.tables import metadata as bus_tables
from common.events.worker import Worker

ROUTES = {"choir.note.sung.v1": ["echo"]}

tables = MetaData()
effect = Table(
    "effect",
    tables,
    Column("subject_id", String(40), primary_key=True),
    Column("times", Integer, nullable=False),
)
poison = Table("poison", tables, Column("subject_id", String(40), primary_key=True))


class NoteSung(Event):
    event_type: ClassVar = "choir.note.sung.v1"
    subject_kind: ClassVar = "note"


subscriptions = Subscriptions()


@subscriptions.on("choir.note.sung.v1", NoteSung)
def sing_back(session: Session, event: NoteSung) -> None:
    is_poison = select(poison.c.subject_id).where(poison.c.subject_id == event.id)
    if session.execute(is_poison).first():
        raise RuntimeError("this note cannot be sung")
    raised = update(effect).where(effect.c.subject_id == event.id)
    if getattr(session.execute(raised.values(times=effect.c.times + 1)), "rowcount", 0) == 0:
        session.execute(insert(effect).values(subject_id=event.id, times=1))


def open_database(url: str) -> Database:
    return Database(url, info={"outbox": Outbox("/choir", ROUTES)})


def create_schema(url: str) -> Database:
    database = open_database(url)
    tables.create_all(database.engine)
    bus_tables.create_all(database.engine)
    return database


class CrashingBus(KombuBus):
    left = int(os.environ.get("CRASH_BEFORE_PUBLISH", "0"))

    def publish(self, queue: str, bodies: Iterable[bytes]) -> bool:
        if self.left:
            CrashingBus.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().publish(queue, bodies)


def main() -> None:
    import common.events.worker

    if CrashingBus.left:
        setattr(common.events.worker, "KombuBus", CrashingBus)  # noqa: B010 - mypy knows better
    Worker(
        service=sys.argv[1],
        database=open_database(os.environ["DATABASE_URL"]),
        subscriptions=subscriptions,
        broker_url=os.environ["BROKER_URL"],
        cache_url=os.environ["CACHE_URL"],
        resend_lease=timedelta(seconds=2),
    ).run()


if __name__ == "__main__":
    main()
