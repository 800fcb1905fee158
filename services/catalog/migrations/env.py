"""Runs catalog's migrations; see `common.db.migrate`."""

from alembic import context

from catalog.models import Base
from common.auth.revocations import metadata as revocations
from common.db.migrate import run_migrations
from common.erasure import metadata as erasures
from common.events.tables import metadata as bus
from common.idempotency import metadata as idempotency

run_migrations(context.config, [Base.metadata, bus, erasures, idempotency, revocations])
