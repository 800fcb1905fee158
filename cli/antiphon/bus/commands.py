"""The commands `bus …`; what they need is imported when they run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from antiphon.bus.opening import opened, read_time
from antiphon.embedded.commands import DataDir

if TYPE_CHECKING:
    from antiphon.bus.failed_events import Found
    from antiphon.bus.sources import Sources

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
All = Annotated[bool, typer.Option("--all", help="All of them.")]

bus = typer.Typer(help="Look after the bus: what waits, what failed.", no_args_is_help=True)
dead = typer.Typer(help="Events that a service has given up.", no_args_is_help=True)
retry = typer.Typer(help="Events that failed and are tried again.", no_args_is_help=True)
bus.add_typer(dead, name="dead")
bus.add_typer(retry, name="retry")
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
    with _found("dead", data_dir, service, [], event_type, since) as (_sources, found):
        from antiphon.bus import failed_events

        failed_events.show_list(found, as_json=as_json)


@retry.command("list")
def list_retry(
    service: OnlyService = None,
    event_type: OnlyType = None,
    since: Since = None,
    data_dir: DataDir = _HERE,
    as_json: Json = False,
) -> None:
    """List events that are tried again by themselves, with the time of the next try."""
    with _found("retry", data_dir, service, [], event_type, since) as (_sources, found):
        from antiphon.bus import failed_events

        failed_events.show_list(found, as_json=as_json)


@dead.command("show")
def show_dead(
    event_id: str, service: OnlyService = None, data_dir: DataDir = _HERE, as_json: Json = False
) -> None:
    """Show one with its error and envelope, in each service that has given it up."""
    with _found("dead", data_dir, service, [event_id]) as (sources, found):
        from antiphon.bus import failed_events

        if not failed_events.show_one(sources, found, as_json=as_json):
            raise typer.Exit(1)


@retry.command("show")
def show_retry(
    event_id: str, service: OnlyService = None, data_dir: DataDir = _HERE, as_json: Json = False
) -> None:
    """Show one with its error and envelope, in each service that tries it again."""
    with _found("retry", data_dir, service, [event_id]) as (sources, found):
        from antiphon.bus import failed_events

        if not failed_events.show_one(sources, found, as_json=as_json):
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
    ids = _selected(event_ids, event_type, since, everything=everything)
    with _found("dead", data_dir, service, ids, event_type, since) as (sources, found):
        from antiphon.bus import failed_events

        record = failed_events.replay(sources, found)
        record.finish("{event_id} {type} will be tried again in {service}.", as_json=as_json)


@retry.command("now")
def retry_now(
    event_ids: EventIds = None,
    event_type: OnlyType = None,
    since: Since = None,
    everything: All = False,
    service: OnlyService = None,
    data_dir: DataDir = _HERE,
    as_json: Json = False,
) -> None:
    """Let events have their next try at once; it counts as one of the eight."""
    ids = _selected(event_ids, event_type, since, everything=everything)
    with _found("retry", data_dir, service, ids, event_type, since) as (sources, found):
        from antiphon.bus import failed_events

        record = failed_events.hurry(sources, found)
        record.finish("{event_id} {type} is due at once in {service}.", as_json=as_json)


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
    ids = _selected(event_ids, event_type, since, everything=everything)
    if as_json and not yes:
        raise typer.BadParameter("With --json nobody is asked: add --yes.")
    with _found("dead", data_dir, service, ids, event_type, since) as (sources, found):
        from antiphon.bus import failed_events

        if found.all and not yes and not failed_events.confirm_discard(found):
            raise typer.Exit(1)
        record = failed_events.discard(sources, found)
        record.finish("{event_id} {type} is discarded in {service}.", as_json=as_json)


@contextmanager
def _found(
    state: str,
    data_dir: Path,
    service: str | None,
    event_ids: Sequence[str],
    event_type: str | None = None,
    since: str | None = None,
) -> Iterator[tuple["Sources", "Found"]]:
    """Give where the failed events of a state are that are meant, and those themselves."""
    moment = read_time(since) if since else None
    with opened(data_dir) as sources:
        from antiphon.bus.failed_events import DEAD, RETRY, find
        from common.events.failures import Selection

        words = DEAD if state == "dead" else RETRY
        yield sources, find(sources, words, service, Selection(event_ids, event_type, moment))


def _selected(
    event_ids: list[str] | None, event_type: str | None, since: str | None, *, everything: bool
) -> list[str]:
    """Return the event ids that are meant; raises typer.BadParameter unless one way is chosen."""
    ways = [bool(event_ids), event_type is not None, everything]
    if sum(ways) > 1:
        raise typer.BadParameter("Only one of these: event ids, or --type, or --all.")
    if not any(ways):
        raise typer.BadParameter("Say which: event ids, or --type, or --all.")
    if event_ids and since:
        raise typer.BadParameter("--since goes with --type or --all, not with event ids.")
    return event_ids or []


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(bus, name="bus")
