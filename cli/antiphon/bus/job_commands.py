"""The commands `jobs …`; what they need is imported when they run."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from antiphon.bus.commands import Json, OnlyService
from antiphon.bus.opening import opened
from antiphon.embedded.commands import DataDir

_HERE = Path("data")
JobIds = Annotated[list[str], typer.Argument(metavar="JOB_ID...")]

jobs = typer.Typer(help="Look after jobs, such as transcoding.", no_args_is_help=True)


class State(StrEnum):
    """The states of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


_NOT_OVER = [State.QUEUED, State.RUNNING, State.DEAD, State.CANCELLING]


@jobs.command("list")
def list_jobs(
    state: Annotated[list[State] | None, typer.Option(help="May be given several times.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind, such as media.describe.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many a service.")] = 100,
    service: OnlyService = None,
    data_dir: DataDir = _HERE,
    as_json: Json = False,
) -> None:
    """List jobs, newest first; without --state those that are not over."""
    with opened(data_dir) as sources:
        from antiphon.bus.jobs import show_list

        services, states = sources.only(service), [str(each) for each in state or _NOT_OVER]
        show_list(sources, services, states, kind, limit, as_json=as_json)


@jobs.command("retry")
def retry(
    job_ids: JobIds, service: OnlyService = None, data_dir: DataDir = _HERE, as_json: Json = False
) -> None:
    """Queue dead or cancelled jobs again, with all their attempts."""
    with opened(data_dir) as sources:
        from antiphon.bus.jobs import AFTER_RETRY, RETRIED
        from antiphon.bus.jobs import retry as retry_each

        record = retry_each(sources, sources.only(service), job_ids)
        record.finish(RETRIED, AFTER_RETRY, as_json=as_json)


@jobs.command("cancel")
def cancel(
    job_ids: JobIds, service: OnlyService = None, data_dir: DataDir = _HERE, as_json: Json = False
) -> None:
    """Cancel jobs that are not done, and end what they were for. A dead one is dismissed."""
    with opened(data_dir) as sources:
        from antiphon.bus.jobs import CANCELLED, after_cancel
        from antiphon.bus.jobs import cancel as cancel_each

        record = cancel_each(sources, sources.only(service), job_ids)
        record.finish(CANCELLED, after_cancel(record), as_json=as_json)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(jobs, name="jobs")
