"""SQLAlchemy as the services use it: types, one transaction at the edge, keyset pages."""

from common.db.database import Database, after_commit, db_now, db_time
from common.db.failover import Unconfirmed, is_undone
from common.db.keyset import Page, page
from common.db.types import TYPES, Id, LongText, UtcDateTime, new_id, new_metadata, utcnow
from common.db.violations import is_race, is_refusal

__all__ = [
    "TYPES",
    "Database",
    "Id",
    "LongText",
    "Page",
    "Unconfirmed",
    "UtcDateTime",
    "after_commit",
    "db_now",
    "db_time",
    "is_race",
    "is_refusal",
    "is_undone",
    "new_id",
    "new_metadata",
    "page",
    "utcnow",
]
