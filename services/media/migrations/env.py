"""Runs media's migrations; see `common.db.migrate`."""

from alembic import context

from common.auth.revocations import metadata as revocations
from common.db.migrate import run_migrations
from common.erasure import metadata as erasures
from common.events.tables import metadata as bus
from common.jobs.tables import metadata as jobs
from media.models import Base

run_migrations(context.config, [Base.metadata, bus, erasures, jobs, revocations])
