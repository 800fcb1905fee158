"""`/healthz` (up and not draining) and `/readyz` (database reachable and migrated)."""

from typing import Any

from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from common.auth import public
from common.db import Database
from common.db.revisions import newest_revision
from common.draining import is_draining
from common.logging import get_logger
from common.web.problems import problem

log = get_logger(__name__)


def register_health(app: Flask) -> None:
    """Add both routes; they have no entry in the gateway's route table."""
    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)


@public
def healthz() -> Any:
    """Say whether to send requests here."""
    if is_draining():
        return problem(503, "This process is shutting down.")
    return {"status": "ok"}


@public
def readyz() -> Any:
    """Say whether the database is there and migrated; an outage of Redis only degrades."""
    database, cache = current_app.extensions["database"], current_app.extensions["cache"]
    try:
        # A newer schema is fine: deploys migrate first, while the old code still runs.
        migrated = (_revision(database) or "") >= newest_revision(current_app.name)
    except SQLAlchemyError as error:
        log.warning("not_ready", error=repr(error))
        return problem(503, "The database does not answer, or was never migrated.")
    if not migrated:
        return problem(503, "The database has not had this version's migrations.")
    return {"status": "ok", "redis": "ok" if cache is None or cache.ping() else "degraded"}


def _revision(database: Database) -> str | None:
    with database.reading() as session:
        revision: str | None = session.execute(
            text("SELECT version_num FROM alembic_version")
        ).scalar()
    return revision
