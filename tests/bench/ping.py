"""A service small enough to measure the bus with: `python ping.py ROLE`, one process a role.

`ping` writes a note and tells of it, `pong` keeps a copy. Writers print when they committed what as
JSON, `pong` appends it to the file `APPLIED`: nanoseconds of the monotonic clock, which all
processes of a machine share.
"""

import argparse
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ClassVar

from sqlalchemy import Column, MetaData, String, Table, insert
from sqlalchemy.orm import Session

from common.db import Database, Id, after_commit, new_id
from common.events import Event, Outbox, Subscriptions, emit
from common.events.nudge import Nudge
from common.events.tables import metadata as bus_tables
from common.events.worker import Worker
from common.logging import configure_logging

ROUTES = {"ping.note.written.v1": ["pong"]}
WRITER_THREADS = 4
"""As many as a web process has: one slow commit does not hold up the next write."""

tables = MetaData()
note = Table("note", tables, Column("id", Id, primary_key=True), Column("text", String(200)))
copy = Table("copy", tables, Column("id", Id, primary_key=True), Column("text", String(200)))


class NoteWritten(Event):
    event_type: ClassVar = "ping.note.written.v1"
    subject_kind: ClassVar = "note"

    text: str


subscriptions = Subscriptions()


@subscriptions.on("ping.note.written.v1", NoteWritten)
def keep_copy(session: Session, event: NoteWritten) -> None:
    session.execute(insert(copy).values(id=event.id, text=event.text))
    after_commit(session, partial(_tell_applied, event.id))


def _tell_applied(note_id: str) -> None:
    line = f"{note_id} {time.monotonic_ns()}\n"
    with open(os.environ["APPLIED"], "a") as file:  # noqa: PTH123 - the fastest way
        file.write(line)


def open_database(*, nudging: bool) -> Database:
    nudge = Nudge(os.environ["CACHE_URL"], "ping") if nudging else None
    return Database(os.environ["DATABASE_URL"], info={"outbox": Outbox("/ping", ROUTES, nudge)})


def create_schema() -> None:
    database = open_database(nudging=False)
    tables.create_all(database.engine)
    bus_tables.create_all(database.engine)
    database.dispose()


def work(service: str) -> None:
    configure_logging(service, "WARNING", "json")
    Worker(
        service=service,
        database=open_database(nudging=True),
        subscriptions=subscriptions,
        broker_url=os.environ["BROKER_URL"],
        cache_url=os.environ["CACHE_URL"],
    ).run()


def write(database: Database, committed: dict[str, int], *, telling: bool = True) -> None:
    """Write a note in a transaction of its own and keep the time of the commit."""
    note_id, text = new_id(), "as long as what people write into a field of a form " * 2

    def stamp() -> None:
        committed[note_id] = time.monotonic_ns()

    with database.transaction() as session:
        after_commit(session, stamp)  # before the nudge, which `emit` registers
        session.execute(insert(note).values(id=note_id, text=text))
        if telling:
            emit(session, NoteWritten(id=note_id, version=1, text=text))


def write_idly(count: int) -> None:
    """Write now and then, as when one person uses the suite."""
    database, committed = open_database(nudging=True), dict[str, int]()
    write(database, {})  # opens the connections
    for _ in range(count):
        time.sleep(random.uniform(0.1, 0.5))
        write(database, committed)
    print(json.dumps({"committed": committed, "write_ns": []}))


def write_steadily(rate: int, seconds: int) -> None:
    """Write at fixed times, whether or not the earlier writes are done (an open loop)."""
    database, committed, late = open_database(nudging=True), dict[str, int](), list[int]()
    start = time.monotonic_ns() + 500_000_000

    def take_every(first: int) -> None:
        write(database, {})
        for number in range(first, rate * seconds, WRITER_THREADS):
            due = start + number * 1_000_000_000 // rate
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
            write(database, committed)
            late.append(time.monotonic_ns() - due)

    with ThreadPoolExecutor(WRITER_THREADS) as threads:
        list(threads.map(take_every, range(WRITER_THREADS)))  # raises what they raise
    print(json.dumps({"committed": committed, "write_ns": late}))


def compare_costs(seconds: int) -> None:
    """Time the same write plain, with the outbox, and with outbox and nudge, in turn."""
    quiet, nudging = open_database(nudging=False), open_database(nudging=True)
    kinds = {
        "plain": partial(write, quiet, {}, telling=False),
        "outbox": partial(write, quiet, {}),
        "outbox_nudge": partial(write, nudging, {}),
    }
    took: dict[str, list[int]] = {kind: [] for kind in kinds}
    for run in kinds.values():
        run()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind in random.sample(list(kinds), len(kinds)):
            began = time.perf_counter_ns()
            kinds[kind]()
            took[kind].append(time.perf_counter_ns() - began)
    print(json.dumps(took))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    roles = parser.add_subparsers(dest="role", required=True)
    roles.add_parser("schema")
    roles.add_parser("work").add_argument("service")
    roles.add_parser("idle").add_argument("count", type=int)
    load = roles.add_parser("load")
    load.add_argument("rate", type=int)
    load.add_argument("seconds", type=int)
    roles.add_parser("cost").add_argument("seconds", type=int)
    given = vars(parser.parse_args())
    role = {
        "schema": create_schema,
        "work": work,
        "idle": write_idly,
        "load": write_steadily,
        "cost": compare_costs,
    }[given.pop("role")]
    role(**given)  # type: ignore[operator]


if __name__ == "__main__":
    main()
