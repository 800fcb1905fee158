"""`antiphon bus dead` and `antiphon bus retry`: events that a service failed to apply."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import typer
from sqlalchemy.orm import Session

from antiphon.bus.printing import Record, complain, first_line, print_json, print_table
from antiphon.bus.sources import Sources
from antiphon.bus.times import format_time
from common.events import load_routes
from common.events.failures import (
    FailedEvent,
    FailedState,
    Fate,
    Selection,
    discard_dead,
    failed_envelope,
    fates,
    find_failed,
    replay_dead,
    retry_now,
)
from common.events.operations import BATCH

Change = Callable[[Session, Sequence[str]], list[str]]
"""Changes those of these events that can be changed; returns their ids."""

_NO_EVENT = "{event_id} in {service} is no event that could be read: it can only be discarded."
_FATES = {
    "dead": "is a dead letter: `antiphon bus dead replay {id}` has it tried again.",
    "retry": (
        "is being tried again, attempt {attempt} at {at}: `antiphon bus retry now {id}` does so "
        "at once."
    ),
    "applied": "is applied already.",
    "discarded": "was discarded by an operator: it counts as done.",
}
_SHOWN = 10


@dataclass(frozen=True)
class Words:
    """What failed events of a state are called."""

    state: FailedState
    json: str
    none: str
    is_none: str
    """What is said of an id that is nobody's."""


DEAD = Words("dead", "dead_letters", "There are no dead letters", "is no dead letter of")
RETRY = Words("retry", "retrying", "No event is being tried again", "is not being tried again in")


@dataclass(frozen=True)
class Found:
    """Failed events of a state by service, oldest first, and what was asked for."""

    words: Words
    which: Selection
    services: dict[str, list[FailedEvent]]

    @property
    def all(self) -> list[tuple[str, FailedEvent]]:
        """Each with its service."""
        return [(service, event) for service, those in self.services.items() for event in those]

    @property
    def nothing(self) -> str:
        """Say that there is nothing of what was asked for."""
        of_type = f" of {self.which.event_type}" if self.which.event_type else ""
        since = f" received since {format_time(self.which.since)}" if self.which.since else ""
        return f"{self.words.none}{of_type}{since} in {' or '.join(self.services)}."


def find(sources: Sources, words: Words, service: str | None, which: Selection) -> Found:
    """Return the failed events of one or all services; raises NoSourceError, SQLAlchemyError.

    Raises typer.BadParameter for a type that no event has.
    """
    found: dict[str, list[FailedEvent]] = {}
    for name in sources.only(service):
        with sources.database(name) as database, database.reading() as session:
            found[name] = find_failed(session, words.state, which)
    known = [*load_routes(sources.contracts), "unknown"]
    # One that is no longer sent may still be found.
    if which.event_type is not None and not any(found.values()) and which.event_type not in known:
        raise typer.BadParameter(
            f"{which.event_type} is no type of events. What is: {', '.join(known)}."
        )
    return Found(words, which, found)


def show_list(found: Found, *, as_json: bool) -> None:
    """Print failed events."""
    if as_json:
        rows = [{"service": service, **asdict(event)} for service, event in found.all]
        print_json({found.words.json: rows})
    elif not found.all:
        typer.echo(found.nothing)
    else:
        time = "next try" if found.words is RETRY else "received"
        columns = ["service", "event", "type", "tries", time, "error"]
        print_table(columns, [_row(*each) for each in found.all], numbers=["tries"])


def show_one(sources: Sources, found: Found, *, as_json: bool) -> bool:
    """Print all that is known of a failed event, in each service that has it; False if none."""
    known = []
    for service, event in found.all:
        with sources.database(service) as database, database.reading() as session:
            body = failed_envelope(session, found.words.state, event.event_id)
        known.append({"service": service, **asdict(event), "envelope": _parse(body)})
    if as_json:
        print_json({found.words.json: known})
    elif not known:
        for reason in _reasons(sources, found):
            complain(reason)
    else:
        _print_whole(known)
    return bool(known)


def replay(sources: Sources, found: Found) -> Record:
    """Let dead letters be tried again."""
    return _change(sources, found, Record("bus.dead.replay"), replay_dead, _NO_EVENT)


def discard(sources: Sources, found: Found) -> Record:
    """Give dead letters up for good."""
    gone = "{event_id} in {service} is no dead letter any more."
    return _change(sources, found, Record("bus.dead.discard"), discard_dead, gone)


def hurry(sources: Sources, found: Found) -> Record:
    """Let events have their next try at once."""
    gone = "{event_id} in {service} is not being tried again any more."
    return _change(sources, found, Record("bus.retry.now"), retry_now, gone)


def confirm_discard(found: Found) -> bool:
    """Show what would be discarded and ask whether to."""
    for service, event in found.all[:_SHOWN]:
        typer.echo(f"  {event.event_id} {event.type} in {service}", err=True)
    if len(found.all) > _SHOWN:
        typer.echo(f"  and {len(found.all) - _SHOWN} more", err=True)
    question = f"Discard {len(found.all)}? Their effects will never happen, nor can this be undone"
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        complain("\nNobody answered; --yes does without a question.")
        agreed = False
    if not agreed:
        complain("Nothing was changed.")
    return agreed


def _change(
    sources: Sources, found: Found, record: Record, change: Change, otherwise: str
) -> Record:
    """Change what was found, in batches; note what stayed as it was, and why."""
    for service, events in found.services.items():
        with sources.database(service) as database:
            for start in range(0, len(events), BATCH):
                batch = events[start : start + BATCH]
                with database.transaction() as session:
                    changed = set(change(session, [event.event_id for event in batch]))
                for event in batch:
                    what = {"service": service, "event_id": event.event_id, "type": event.type}
                    if event.event_id in changed:
                        record.changed.append(what)
                    else:
                        record.refuse(otherwise.format(**what), **what)
    for reason in _reasons(sources, found):
        record.refuse(reason)
    return record


def _reasons(sources: Sources, found: Found) -> list[str]:
    """Say why there is nothing of what was asked for, or of an id."""
    if not found.which.event_ids:
        return [] if found.all else [found.nothing]
    known = {event.event_id for _, event in found.all}
    missing = [event_id for event_id in found.which.event_ids if event_id not in known]
    elsewhere: dict[str, list[str]] = {}
    for service in found.services:
        with sources.database(service) as database, database.reading() as session:
            for fate in fates(session, missing):
                elsewhere.setdefault(fate.event_id, []).append(_say(service, fate))
    nobodys = f"{found.words.is_none} {' or '.join(found.services)}."
    return [
        reason
        for event_id in missing
        for reason in elsewhere.get(event_id, [f"{event_id} {nobodys}"])
    ]


def _say(service: str, fate: Fate) -> str:
    told = {"id": fate.event_id, "attempt": fate.attempts + 1, "at": format_time(fate.next_at)}
    return f"{fate.event_id} in {service} {_FATES[fate.state].format(**told)}"


def _row(service: str, event: FailedEvent) -> list[str]:
    time, error = format_time(event.next_at or event.received_at), first_line(event.last_error)
    return [service, event.event_id, event.type, str(event.attempts), time, error]


def _parse(body: str | None) -> Any:
    try:
        return json.loads(body or "")
    except ValueError:
        return body


def _print_whole(known: list[dict[str, Any]]) -> None:
    for fields in known:
        envelope = fields.pop("envelope")
        for name, value in fields.items():
            if value is None:
                continue
            text = format_time(value) if isinstance(value, datetime) else str(value)
            typer.echo(f"{name.replace('_', ' '):<12} {text}")
        typer.echo("envelope")
        is_text = isinstance(envelope, str)
        typer.echo(envelope if is_text else json.dumps(envelope, indent=2, ensure_ascii=False))
