"""`/healthz` (up and not draining) and `/readyz` (database reachable and migrated)."""

import mmap
from typing import Any

import structlog
from flask import Flask, current_app
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from common.auth import public
from common.web.problems import problem

log = structlog.stdlib.get_logger(__name__)

# One byte that gunicorn's master shares with its workers: not zero means that it is draining.
_draining = mmap.mmap(-1, 1)


def start_draining() -> None:
    """Make `/healthz` of this process and its children answer 503 from now on."""
    _draining[0] = 1


def register_health(app: Flask) -> None:
    """Add both routes; they have no entry in the gateway's route table."""
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)


@public
def healthz() -> Any:
    """Say whether to send requests here."""
    if _draining[0]:
        return problem(503, "This process is shutting down.")
    return {"status": "ok"}


@public
def readyz() -> Any:
    """Say whether the database is there and migrated; an outage of Redis only degrades."""
    database, cache = current_app.extensions["database"], current_app.extensions["cache"]
    try:
        migrated = inspect(database.engine).has_table("alembic_version")
    except SQLAlchemyError as error:
        log.warning("not_ready", error=repr(error))
        return problem(503, "The database does not answer.")
    if not migrated:
        return problem(503, "The database has not been migrated.")
    return {"status": "ok", "redis": "ok" if cache is None or cache.ping() else "degraded"}
