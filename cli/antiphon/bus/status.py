"""`antiphon bus status`: what waits where."""

from collections.abc import Mapping
from typing import Any

import typer
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from antiphon.bus.printing import complain, print_json, print_table
from antiphon.bus.sources import Sources
from antiphon.bus.times import format_age
from common.errors import Unavailable
from common.events import load_routes
from common.events.operations import backlogs_of, inbox_counts
from common.events.outbox import Routes
from common.events.queues import BrokerState, read_broker
from common.jobs.operations import job_backlog

_JOB_STATES = ("queued", "running", "dead")


def show_status(sources: Sources, *, as_json: bool) -> bool:
    """Print the state of all known services; False if a database or the broker does not answer."""
    routes = load_routes(sources.contracts)
    services = {service: _read(sources, service, routes) for service in sources.urls}
    broker, reason = _ask_broker(sources, services)
    for service, state in services.items():
        if broker is not None and state["error"] is None:
            own = {name: count for name, count in broker.waiting.items() if _is_of(service, name)}
            state |= {"queues": own, "unacked": broker.unacked.get(service)}
    if as_json:
        asked = {"answers": broker is not None, "reason": reason}
        where = {"origin": sources.origin, "unknown": sources.unknown}
        print_json({**where, "broker": asked, "services": services})
    else:
        _print(sources, services, reason)
    answers = broker is not None or sources.broker_url is None
    return answers and all(state["error"] is None for state in services.values())


def _read(sources: Sources, service: str, routes: Routes) -> dict[str, Any]:
    """Return a service's state as JSON has it; what only the broker knows is None."""
    state: dict[str, Any] = {"error": None, "queues": None, "unacked": None}
    try:
        with sources.database(service) as database, database.reading() as session:
            has_jobs = inspect(database.engine).has_table("job")
            deliveries = [
                {
                    "subscriber": found.subscriber,
                    "undelivered": found.undelivered,
                    "oldest_age_seconds": round(found.oldest_age, 3),
                    "relay_lag_seconds": round(found.relay_lag, 3),
                }
                for found in backlogs_of(session, service, routes)
            ]
            jobs = _count_jobs(job_backlog(session).counts) if has_jobs else None
            return {**state, "deliveries": deliveries, **inbox_counts(session), "jobs": jobs}
    except SQLAlchemyError as error:
        return {"error": str(getattr(error, "orig", None) or error)}


def _count_jobs(counts: Mapping[tuple[str, str], int]) -> dict[str, int]:
    totals = dict.fromkeys(_JOB_STATES, 0)
    for (_kind, state), count in counts.items():
        totals[state] += count
    return totals


def _ask_broker(
    sources: Sources, services: Mapping[str, dict[str, Any]]
) -> tuple[BrokerState | None, str | None]:
    """Return what the broker says, or None and why it says nothing."""
    if sources.broker_url is None:
        return None, "Antiphon does not run here, or BROKER_URL is not set."
    readable = [service for service, state in services.items() if state["error"] is None]
    queues = [f"{service}.{name}" for service in readable for name in ("events", "acks")]
    queues += [f"{service}.jobs" for service in readable if services[service]["jobs"] is not None]
    try:
        return read_broker(sources.broker_url, readable, queues), None
    except Unavailable as error:
        return None, error.detail


def _is_of(service: str, queue: str) -> bool:
    return queue.partition(".")[0] == service


def _print(sources: Sources, services: Mapping[str, dict[str, Any]], reason: str | None) -> None:
    typer.echo(f"From {sources.origin}.")
    readable = {name: state for name, state in services.items() if state["error"] is None}
    print_table(
        ["from", "to", "undelivered", "oldest", "relay lag"],
        [
            [
                service,
                row["subscriber"],
                str(row["undelivered"]),
                format_age(row["oldest_age_seconds"]) if row["undelivered"] else "-",
                format_age(row["relay_lag_seconds"]) if row["relay_lag_seconds"] else "-",
            ]
            for service, state in readable.items()
            for row in state["deliveries"]
        ],
        numbers=["undelivered", "oldest", "relay lag"],
    )
    columns = ["service", "retry", "dead", "events queue", "acks queue", "held", "jobs queue"]
    columns += [f"jobs {name}" for name in _JOB_STATES]
    rows = [_service_row(service, state) for service, state in readable.items()]
    print_table(columns, rows, numbers=columns[1:])
    for service, state in services.items():
        if state["error"] is not None:
            complain(f"The database of {service} cannot be read: {state['error']}")
    if reason:
        complain(f"Lengths of queues are unknown: {reason}")


def _service_row(service: str, state: Mapping[str, Any]) -> list[str]:
    """Return the cells: `?` is what the broker did not say, `-` what there is none of."""
    queues, jobs = state["queues"], state["jobs"]
    from_broker = ["?"] * 4
    if queues is not None:
        names = (f"{service}.events", f"{service}.acks", None, f"{service}.jobs")
        from_broker = [_cell(queues.get(name)) for name in names]
        from_broker[2] = _cell(state["unacked"])
    elif jobs is None:
        from_broker[3] = "-"
    counts = [_cell(jobs[name] if jobs else None) for name in _JOB_STATES]
    return [service, str(state["retry"]), str(state["dead"]), *from_broker, *counts]


def _cell(count: int | None) -> str:
    return "-" if count is None else str(count)
