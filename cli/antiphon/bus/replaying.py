"""`antiphon bus replay`: events of the outbox once more for a subscriber that lacks them."""

from datetime import datetime

import typer

from antiphon.bus.printing import Record, complain
from antiphon.bus.sources import Sources
from antiphon.bus.times import format_time
from common.db import utcnow
from common.events import load_routes
from common.events.operations import REPLAYABLE, count_done, subscribers_of
from common.events.operations import replay as replay_events


def routed_types(
    sources: Sources, service: str, subscriber: str, event_type: str | None
) -> list[str]:
    """Return the types to replay; raises typer.BadParameter for what is not routed so."""
    subscribers = subscribers_of(service, load_routes(sources.contracts))
    if subscriber not in subscribers:
        known = ", ".join(sorted(subscribers)) or "nobody"
        raise typer.BadParameter(f"{subscriber} gets no events of {service}. Who does: {known}.")
    types = subscribers[subscriber]
    if event_type is None:
        return types
    if event_type not in types:
        raise typer.BadParameter(
            f"{event_type} of {service} does not go to {subscriber}. What does: {', '.join(types)}."
        )
    return [event_type]


def replay(
    sources: Sources, service: str, subscriber: str, types: list[str], since: datetime
) -> Record:
    """Deliver again what was emitted since then; say what that will and will not do."""
    record = Record("bus.replay")
    counts = {"events": 0, "inserted": 0, "done": 0}
    with sources.database(service) as database:
        for batch in replay_events(database, subscriber, types, since):
            counts["events"] += len(batch.event_ids)
            counts["inserted"] += batch.inserted
            counts["done"] += _count_done(sources, subscriber, batch.event_ids)
    if since < utcnow() - REPLAYABLE:
        complain(
            f"{service} keeps delivered events for 14 days: this begins at "
            f"{format_time(utcnow() - REPLAYABLE)}, and what is older must come from a backup."
        )
    if counts["events"]:
        what = {"service": service, "subscriber": subscriber, "types": types, "since": since}
        waiting = counts["events"] - counts["inserted"]
        record.changed.append({**what, **counts, "still_waiting": waiting})
    return record


def sentence(record: Record) -> str:
    """Return what to say of a replay, as a format of its fields."""
    text = (
        "{inserted} events of {service} will be delivered to {subscriber} again; {still_waiting} "
        "more were still on their way, and are due at once."
    )
    if any(change["done"] for change in record.changed):
        text += (
            "\n{done} of them {subscriber} has noted as done: it will only acknowledge those. "
            "If their effects are lost nevertheless, restore its database from a backup, "
            "where inbox and effects belong together, and replay since then."
        )
    return text


def _count_done(sources: Sources, subscriber: str, event_ids: list[str]) -> int:
    if subscriber not in sources.urls:
        return 0
    with sources.database(subscriber) as database, database.reading() as session:
        return count_done(session, event_ids)
