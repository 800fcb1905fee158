"""Reading the services' schemas to find what was lost, and what was done twice."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Row, func, select
from tests.faults.suite.harness import CONTRACTS, SERVICES, Suite

from common.db import Database
from common.events import load_routes
from common.events.tables import inbox, outbox, outbox_delivery
from common.jobs.tables import job


@dataclass
class Ledger:
    """What became of the events: each due once at each of its subscribers."""

    committed: int = 0
    """Deliveries that were due: events times subscribers."""
    applied: int = 0
    lost: list[str] = field(default_factory=list)
    """Without a note at the subscriber, or one that is not done."""
    foreign: list[str] = field(default_factory=list)
    """Noted by a subscriber but told by nobody, or not to it."""


def count_events(database: Database, event_type: str) -> Counter[str]:
    """Return how often a schema tells events of a type, by the id of their subject."""
    subjects = select(outbox.c.subject).where(outbox.c.type == event_type)
    with database.reading() as session:
        found = session.execute(subjects).scalars()
        return Counter(subject.partition("/")[2] for subject in found)


def read_jobs(database: Database) -> list[Row[tuple[object, ...]]]:
    """Return all rows of a schema's job table."""
    with database.reading() as session:
        return list(session.execute(select(job).order_by(job.c.id)).all())


def undelivered(suite: Suite) -> dict[str, int]:
    """Return how many deliveries wait in each schema where any do."""
    counts = {
        service: _count(suite.database(service), select(func.count()).select_from(outbox_delivery))
        for service in SERVICES
    }
    return {service: count for service, count in counts.items() if count}


def unsettled(suite: Suite) -> dict[str, int]:
    """Return how many events wait at consumers to be tried again, or are dead, by service."""
    open_notes = select(func.count()).select_from(inbox).where(inbox.c.state != "done")
    counts = {service: _count(suite.database(service), open_notes) for service in SERVICES}
    return {service: count for service, count in counts.items() if count}


def failures(suite: Suite) -> list[str]:
    """Say of each event that is not done at a consumer what it is and why."""
    columns = (inbox.c.state, inbox.c.type, inbox.c.attempts, inbox.c.last_error)
    found = []
    for service in SERVICES:
        with suite.database(service).reading() as session:
            rows = session.execute(select(*columns).where(inbox.c.state != "done")).all()
        found += [f"{service}: {tuple(row)}" for row in rows]
    return found


def balance(suite: Suite) -> Ledger:
    """Compare what every service told, by the routing table, with what every subscriber noted."""
    routes = load_routes(CONTRACTS)
    due: dict[str, set[str]] = {service: set() for service in SERVICES}
    for service in SERVICES:
        with suite.database(service).reading() as session:
            for event in session.execute(select(outbox.c.event_id, outbox.c.type)):
                for subscriber in routes.get(event.type, ()):
                    if subscriber != "external":
                        due[subscriber].add(event.event_id)
    ledger = Ledger()
    for service, expected in due.items():
        with suite.database(service).reading() as session:
            rows = session.execute(select(inbox.c.event_id, inbox.c.state)).all()
        notes = {row.event_id: row.state for row in rows}
        done = {event_id for event_id, state in notes.items() if state == "done"}
        ledger.committed += len(expected)
        ledger.applied += len(expected & done)
        ledger.lost += [f"{service}: {event_id}" for event_id in expected - done]
        ledger.foreign += [f"{service}: {event_id}" for event_id in notes.keys() - expected]
    return ledger


def _count(database: Database, query: object) -> int:
    with database.reading() as session:
        return int(session.execute(query).scalar_one())  # type: ignore[call-overload]
