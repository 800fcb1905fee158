"""`antiphon jobs`: the job tables of the services that have one."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import typer
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from antiphon.bus.printing import Record, first_line, print_json, print_table
from antiphon.bus.sources import Sources
from antiphon.bus.times import format_time
from common.errors import Conflict, NotFound
from common.jobs.operations import JobRow, cancel_job, kinds_of_jobs, list_jobs, retry_job

RETRIED = "Job {job_id} of {service} is queued again as {new_id}."
AFTER_RETRY = (
    "What a service did when a job died (such as marking what it was for as failed) stands until "
    "the new one ends well."
)
CANCELLED = "Job {job_id} of {service}, which was {was}, is cancelled."
_NEW_ID = "One that was retried has a new id: see `antiphon jobs list`."
_AFTER_CANCEL = (
    "Its service's worker ends what it was for as failed (such as an upload, which may then be "
    "sent again): within seconds, or when that worker is back."
)
_STILL_AT_IT = (
    "Whoever runs it stops at the next heartbeat, within 10 s, and can keep nothing of it."
)


def show_list(
    sources: Sources,
    services: Sequence[str],
    states: Sequence[str],
    kind: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Print jobs, newest first; raises SQLAlchemyError."""
    found = [
        (service, job)
        for service in _with_jobs(sources, services)
        for job in _list(sources, service, states, kind, limit)
    ]
    if as_json:
        print_json({"jobs": [{"service": service, **asdict(job)} for service, job in found]})
    elif not found:
        typer.echo(_nothing(sources, services, kind))
    else:
        columns = ["service", "job", "kind", "state", "attempt", "created", "due", "error"]
        print_table(columns, [_row(*each) for each in found], numbers=["attempt"])


def retry(sources: Sources, services: Sequence[str], job_ids: Sequence[str]) -> Record:
    """Queue dead or cancelled jobs again."""
    record = Record("jobs.retry")
    _change_each(sources, services, job_ids, record, retry_job, "new_id")
    return record


def cancel(sources: Sources, services: Sequence[str], job_ids: Sequence[str]) -> Record:
    """Cancel jobs that are not done."""
    record = Record("jobs.cancel")
    _change_each(sources, services, job_ids, record, cancel_job, "was")
    return record


def after_cancel(record: Record) -> str:
    """Return what follows from cancelling these jobs."""
    was_running = any(change["was"] == "running" for change in record.changed)
    return f"{_AFTER_CANCEL} {_STILL_AT_IT}" if was_running else _AFTER_CANCEL


def _change_each(
    sources: Sources,
    services: Sequence[str],
    job_ids: Sequence[str],
    record: Record,
    change: Callable[[Session, str], str],
    result: str,
) -> None:
    """Change each job where it is, in a transaction of its own; `change` returns `result`."""
    left, looked_into = list(dict.fromkeys(job_ids)), _with_jobs(sources, services)
    for service in looked_into:
        with sources.database(service) as database:
            for job_id in list(left):
                what: dict[str, Any] = {"service": service, "job_id": job_id}
                try:
                    with database.transaction() as session:
                        what[result] = change(session, job_id)
                    record.changed.append(what)
                except NotFound:
                    continue
                except Conflict as error:
                    record.refuse(error.detail, **what)
                left.remove(job_id)
    where = " or ".join(looked_into) or f"{' or '.join(services)}, where there are no jobs at all"
    for job_id in left:
        record.refuse(f"There is no job {job_id} in {where}. {_NEW_ID}", job_id=job_id)


def _with_jobs(sources: Sources, services: Sequence[str]) -> list[str]:
    found = []
    for service in services:
        with sources.database(service) as database:
            if inspect(database.engine).has_table("job"):
                found.append(service)
    return found


def _nothing(sources: Sources, services: Sequence[str], kind: str | None) -> str:
    kinds = {name for service in _with_jobs(sources, services) for name in _kinds(sources, service)}
    if kind is None or kind in kinds or not kinds:
        return "There are no such jobs."
    return f"There are no jobs of kind {kind}. There are {', '.join(sorted(kinds))}."


def _kinds(sources: Sources, service: str) -> list[str]:
    with sources.database(service) as database, database.reading() as session:
        return kinds_of_jobs(session)


def _list(
    sources: Sources, service: str, states: Sequence[str], kind: str | None, limit: int
) -> list[JobRow]:
    with sources.database(service) as database, database.reading() as session:
        return list_jobs(session, states, kind, limit)


def _row(service: str, job: JobRow) -> list[str]:
    due_at = job.due_at if job.state in ("queued", "running") else None
    times = [format_time(job.created_at), format_time(due_at)]
    error = first_line(job.last_error or "-")
    return [service, job.id, job.kind, job.state, str(job.attempt), *times, error]
