"""`antiphon bus replay`: events of the outbox once more for a subscriber that lacks them."""

from datetime import datetime

import typer

from antiphon.bus.printing import Record, complain
from antiphon.bus.sources import Sources
from antiphon.bus.times import format_time
from common.db import utcnow
from common.events import load_routes
from common.events.failures import count_known
from common.events.operations import REPLAYABLE, subscribers_of
from common.events.operations import replay as replay_events

_NEW = "{inserted} events of {service} will be delivered to {subscriber} again."
_WAITING = (
    "{still_waiting} events of {service} were still on their way to {subscriber}, and are due at "
    "once."
)
_KNOWN = {
    "done": "{done} of them {subscriber} has noted as done: it will only acknowledge those.",
    "retry": (
        "{retry} of them {subscriber} failed to apply and tries again by itself: a replay does "
        "not hurry it, `antiphon bus retry now --all --service {subscriber}` does."
    ),
    "dead": (
        "{dead} of them are dead letters of {subscriber}: a replay does not revive them, "
        "`antiphon bus dead replay` does."
    ),
}


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
    counts = {"events": 0, "inserted": 0, "done": 0, "retry": 0, "dead": 0}
    with sources.database(service) as database:
        for batch in replay_events(database, subscriber, types, since):
            counts["events"] += len(batch.event_ids)
            counts["inserted"] += batch.inserted
            for state, count in _count_known(sources, subscriber, batch.event_ids).items():
                counts[state] += count
    if since < utcnow() - REPLAYABLE:
        complain(
            f"{service} keeps delivered events for 14 days: this begins at "
            f"{format_time(utcnow() - REPLAYABLE)}, and what is older must come from a backup."
        )
    if counts["events"]:
        what = {"service": service, "subscriber": subscriber, "types": types, "since": since}
        waiting = counts["events"] - counts["inserted"]
        record.changed.append({**what, **counts, "still_waiting": waiting})
    else:
        record.refuse(f"{service} emitted nothing for {subscriber} since {format_time(since)}.")
    return record


def sentence(record: Record) -> str:
    """Return what to say of a replay, as a format of its fields."""
    change = next(iter(record.changed), None)
    if change is None:
        return ""
    lines = [_NEW if change["inserted"] else "", _WAITING if change["still_waiting"] else ""]
    lines += [line for state, line in _KNOWN.items() if change[state]]
    return "\n".join(line for line in lines if line)


def _count_known(sources: Sources, subscriber: str, event_ids: list[str]) -> dict[str, int]:
    if subscriber not in sources.urls:
        return {}
    with sources.database(subscriber) as database, database.reading() as session:
        return count_known(session, event_ids)
