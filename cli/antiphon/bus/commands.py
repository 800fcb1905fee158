"""The commands `bus …`; what they need is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from antiphon.bus.opening import opened, read_time
from antiphon.embedded.commands import DataDir

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
OnlyService = Annotated[
    str | None, typer.Option("--service", help="Only this service; without it all that are known.")
]
OnlyType = Annotated[
    str | None, typer.Option("--type", help="Only this event type, with its version.")
]
Since = Annotated[
    str | None,
    typer.Option(help="Only what came since: 2026-11-24T09:30:00Z (UTC), or an age like 30m, 2h."),
]
EventIds = Annotated[list[str] | None, typer.Argument(metavar="[EVENT_ID]...")]
All = Annotated[bool, typer.Option("--all", help="All dead letters.")]

bus = typer.Typer(help="Look after the bus: what waits, what failed.", no_args_is_help=True)
dead = typer.Typer(help="Events that a service has given up.", no_args_is_help=True)
bus.add_typer(dead, name="dead")
_HERE = Path("data")


@bus.command("status")
def status(data_dir: DataDir = _HERE, as_json: Json = False) -> None:
    """Show what waits: deliveries, failed events, queues, jobs."""
    with opened(data_dir) as sources:
        from antiphon.bus.status import show_status

        if not show_status(sources, as_json=as_json):
            raise typer.Exit(1)


@bus.command("replay")
def replay(
    service: Annotated[str, typer.Option(help="Whose events.")],
    subscriber: Annotated[str, typer.Option(help="The service that lacks them.")],
    since: Annotated[str, typer.Option(help="Emitted since: a UTC time, or an age like 2h, 3d.")],
    event_type: OnlyType = None,
    data_dir: DataDir = _HERE,
    as_json: Json = False,
) -> None:
    """Deliver events again that a subscriber lost, from the producer's outbox."""
    moment = read_time(since)
    with opened(data_dir) as sources:
        from antiphon.bus import replaying

        sources.only(service)
        types = replaying.routed_types(sources, service, subscriber, event_type)
        record = replaying.replay(sources, service, subscriber, types, moment)
        record.finish(replaying.sentence(record), as_json=as_json)


@dead.command("list")
def list_dead(
    service: OnlyService = None,
    event_type: OnlyType = None,
    since: Since = None,
    data_dir: DataDir = _HERE,
    as_json: Json = False,
) -> None:
    """List dead letters, oldest first."""
    moment = read_time(since) if since else None
    with opened(data_dir) as sources:
        from antiphon.bus import dead_letters

        found = dead_letters.find(sources, service, [], event_type, moment)
        dead_letters.show_list(found, as_json=as_json)


@dead.command("show")
def show_dead(
    event_id: str, service: OnlyService = None, data_dir: DataDir = _HERE, as_json: Json = False
) -> None:
    """Show one with its error and envelope, in each service that has given it up."""
    with opened(data_dir) as sources:
        from antiphon.bus import dead_letters

        found = dead_letters.find(sources, service, [event_id])
        if not dead_letters.show_one(sources, found, as_json=as_json):
            raise typer.Exit(1)


@dead.command("replay")
def replay_dead(
    event_ids: EventIds = None,
    event_type: OnlyType = None,
    since: Since = None,
    everything: All = False,
    service: OnlyService = None,
    data_dir: DataDir = _HERE,
    as_json: Json = False,
) -> None:
    """Let dead letters be tried again, eight times like new events."""
    ids = event_ids or []
    _check_selection(ids, event_type, since, everything=everything)
    moment = read_time(since) if since else None
    with opened(data_dir) as sources:
        from antiphon.bus import dead_letters

        found = dead_letters.find(sources, service, ids, event_type, moment)
        record = dead_letters.replay(sources, found)
        dead_letters.refuse_missing(record, found, ids)
        record.finish("{event_id} {type} will be tried again in {service}.", as_json=as_json)


@dead.command("discard")
def discard_dead(
    event_ids: EventIds = None,
    event_type: OnlyType = None,
    since: Since = None,
    everything: All = False,
    service: OnlyService = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = _HERE,
    as_json: Json = False,
) -> None:
    """Give dead letters up for good: they will never be applied."""
    ids = event_ids or []
    _check_selection(ids, event_type, since, everything=everything)
    moment = read_time(since) if since else None
    with opened(data_dir) as sources:
        from antiphon.bus import dead_letters

        found = dead_letters.find(sources, service, ids, event_type, moment)
        if any(found.values()) and not yes and not dead_letters.confirm_discard(found):
            raise typer.Exit(1)
        record = dead_letters.discard(sources, found)
        dead_letters.refuse_missing(record, found, ids)
        record.finish("{event_id} {type} is discarded in {service}.", as_json=as_json)


def _check_selection(
    event_ids: list[str], event_type: str | None, since: str | None, *, everything: bool
) -> None:
    ways = [bool(event_ids), event_type is not None, everything]
    if sum(ways) != 1:
        raise typer.BadParameter("Say which: event ids, or --type, or --all.")
    if event_ids and since:
        raise typer.BadParameter("--since goes with --type or --all, not with event ids.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(bus, name="bus")
