"""Column types that mean the same on SQLite and MySQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator
from uuid_utils import uuid7

_MYSQL = ("mysql", "mariadb")

Id = String(36).with_variant(mysql.CHAR(36, charset="ascii", collation="ascii_bin"), *_MYSQL)
"""A UUIDv7 as text: sorts by time, so primary keys append."""

LongText = Text().with_variant(mysql.MEDIUMTEXT(), *_MYSQL)
"""Up to 16 MiB of text."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime with microseconds; naive ones are refused, not guessed."""

    impl = DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What values are in Python, which cursors are read back as."""
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Keep microseconds on MySQL, whose DATETIME drops them by default."""
        if dialect.name in _MYSQL:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Store UTC without its zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        return value.replace(tzinfo=UTC) if value else None


TYPES: dict[Any, Any] = {datetime: UtcDateTime()}
"""The `type_annotation_map` of every service's declarative base."""


def new_metadata() -> MetaData:
    """Return metadata that names every constraint, so that migrations can alter them."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def new_id() -> str:
    """Return a fresh UUIDv7 (RFC 9562) as text."""
    return str(uuid7())


def utcnow() -> datetime:
    """Return now, aware, in UTC."""
    return datetime.now(UTC)
