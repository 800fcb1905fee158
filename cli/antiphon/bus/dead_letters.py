"""`antiphon bus dead`: events that a service has given up."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import typer
from sqlalchemy.orm import Session

from antiphon.bus.printing import Record, complain, first_line, print_json, print_table
from antiphon.bus.sources import Sources
from antiphon.bus.times import format_time
from common.events.operations import (
    BATCH,
    DeadLetter,
    Selection,
    dead_envelope,
    discard_dead,
    find_dead,
    replay_dead,
)

Found = dict[str, list[DeadLetter]]
"""Dead letters by the service that gave them up, oldest first."""

_NO_EVENT = "{event_id} in {service} is no event that could be read: it can only be discarded."
_SHOWN = 10


def find(
    sources: Sources,
    service: str | None,
    event_ids: Sequence[str],
    event_type: str | None = None,
    since: datetime | None = None,
) -> Found:
    """Return the dead letters of one or all services; raises NoSourceError, SQLAlchemyError."""
    which, found = Selection(event_ids, event_type, since), {}
    for name in sources.only(service):
        with sources.database(name) as database, database.reading() as session:
            found[name] = find_dead(session, which)
    return found


def show_list(found: Found, *, as_json: bool) -> None:
    """Print dead letters."""
    letters = [(service, letter) for service, those in found.items() for letter in those]
    if as_json:
        rows = [{"service": service, **asdict(letter)} for service, letter in letters]
        print_json({"dead_letters": rows})
    elif not letters:
        typer.echo("There are no dead letters.")
    else:
        columns = ["service", "event", "type", "tries", "received", "error"]
        print_table(columns, [_row(*each) for each in letters], numbers=["tries"])


def show_one(sources: Sources, found: Found, *, as_json: bool) -> bool:
    """Print all that is known of a dead letter, in each service that has it; False if none."""
    known = []
    for service, letters in found.items():
        for letter in letters:
            with sources.database(service) as database, database.reading() as session:
                body = dead_envelope(session, letter.event_id)
            known.append({"service": service, **asdict(letter), "envelope": _parse(body)})
    if as_json:
        print_json({"dead_letters": known})
    elif not known:
        complain(f"That is no dead letter of {' or '.join(found)}.")
    else:
        _print_whole(known)
    return bool(known)


def replay(sources: Sources, found: Found) -> Record:
    """Let dead letters be tried again."""
    record = Record("bus.dead.replay")
    _change(sources, found, record, replay_dead, _NO_EVENT)
    return record


def discard(sources: Sources, found: Found) -> Record:
    """Give dead letters up for good."""
    record = Record("bus.dead.discard")
    gone = "{event_id} in {service} is no dead letter any more."
    _change(sources, found, record, discard_dead, gone)
    return record


def refuse_missing(record: Record, found: Found, event_ids: Sequence[str]) -> None:
    """Note the ids that are nobody's dead letters."""
    known = {letter.event_id for letters in found.values() for letter in letters}
    for event_id in event_ids:
        if event_id not in known:
            record.refuse(f"{event_id} is no dead letter of {' or '.join(found)}.")


def confirm_discard(found: Found) -> bool:
    """Show what would be discarded and ask whether to."""
    letters = [(service, letter) for service, those in found.items() for letter in those]
    for service, letter in letters[:_SHOWN]:
        typer.echo(f"  {letter.event_id} {letter.type} in {service}", err=True)
    if len(letters) > _SHOWN:
        typer.echo(f"  and {len(letters) - _SHOWN} more", err=True)
    question = f"Discard {len(letters)}? Their effects will never happen, nor can this be undone"
    agreed = typer.confirm(question, err=True)
    if not agreed:
        complain("Nothing was changed.")
    return agreed


def _change(
    sources: Sources,
    found: Found,
    record: Record,
    change: Callable[[Session, Sequence[str]], list[str]],
    otherwise: str,
) -> None:
    """Change what was found, in batches; note what `change` left as it was."""
    for service, letters in found.items():
        with sources.database(service) as database:
            for start in range(0, len(letters), BATCH):
                batch = letters[start : start + BATCH]
                with database.transaction() as session:
                    changed = set(change(session, [letter.event_id for letter in batch]))
                for letter in batch:
                    what = {"service": service, "event_id": letter.event_id, "type": letter.type}
                    if letter.event_id in changed:
                        record.changed.append(what)
                    else:
                        record.refuse(otherwise.format(**what), **what)


def _row(service: str, letter: DeadLetter) -> list[str]:
    received, error = format_time(letter.received_at), first_line(letter.last_error)
    return [service, letter.event_id, letter.type, str(letter.attempts), received, error]


def _parse(body: str | None) -> Any:
    try:
        return json.loads(body or "")
    except ValueError:
        return body


def _print_whole(known: list[dict[str, Any]]) -> None:
    for fields in known:
        envelope = fields.pop("envelope")
        for name, value in fields.items():
            text = format_time(value) if name == "received_at" else str(value)
            typer.echo(f"{name.replace('_', ' '):<12} {text}")
        typer.echo("envelope")
        is_text = isinstance(envelope, str)
        typer.echo(envelope if is_text else json.dumps(envelope, indent=2, ensure_ascii=False))
