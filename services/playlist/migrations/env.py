"""Runs playlist's migrations; see `common.db.migrate`."""

from alembic import context

from common.auth.revocations import metadata as revocations
from common.db.migrate import run_migrations
from common.erasure import metadata as erasures
from common.events.tables import metadata as bus
from common.idempotency import metadata as idempotency
from playlist.models import Base

run_migrations(context.config, [Base.metadata, bus, erasures, idempotency, revocations])
