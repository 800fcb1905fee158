"""The engine of one schema and the transaction that an edge opens around a use case."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.functions import FunctionElement

from common.db.failover import committing, drop_useless_connections
from common.db.types import UtcDateTime
from common.logging import get_logger

log = get_logger(__name__)


class Database:
    """One service's schema: `transaction()` to write, `reading()` to read.

    `info` is what sessions carry along, such as the outbox that `common.events.emit` writes to.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 10,
        statement_seconds: int | None = 30,
        info: dict[str, Any] | None = None,
    ) -> None:
        self.engine = _create_engine(url, pool_size, statement_seconds)
        self.dialect = self.engine.dialect.name
        writer = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._write = sessionmaker(writer, expire_on_commit=False, info=info)
        self._read = sessionmaker(self.engine, expire_on_commit=False, autoflush=False, info=info)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open the one transaction of a use case; commit at the end, roll back on any error.

        Raises Unconfirmed when the connection is lost at the commit.
        """
        with self._write() as session:
            with committing(session):
                yield session
            for callback in session.info.pop("after_commit", ()):
                _run_quietly(callback)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for queries; nothing that it changes is kept."""
        with self._read() as session:
            yield session

    def ping(self) -> None:
        """Ask the database for a sign of life; raises what the driver raises."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close pooled connections."""
        self.engine.dispose()


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Run `callback` once the session's transaction is committed; never if it is not."""
    callbacks = session.info.setdefault("after_commit", [])
    if callback not in callbacks:
        callbacks.append(callback)


def db_time(session: Session) -> datetime:
    """Return the database's clock (UTC), which all processes of a service share."""
    if session.get_bind().dialect.name == "sqlite":
        value = session.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    now: datetime = session.execute(text("SELECT UTC_TIMESTAMP(6)")).scalar_one()
    return now.replace(tzinfo=UTC)


class db_now(FunctionElement[datetime]):  # noqa: N801 - reads like the SQL function it is
    """The database's clock within a statement, without the round trip of `db_time`."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(db_now)
def _mysql_now(*_: object, **__: object) -> str:
    return "UTC_TIMESTAMP(6)"


@compiles(db_now, "sqlite")
def _sqlite_now(*_: object, **__: object) -> str:
    # As SQLAlchemy stores it; SQLite's clock has milliseconds.
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


def _run_quietly(callback: Callable[[], None]) -> None:
    # The work is committed: what follows is a hint, and sweepers do without it.
    try:
        callback()
    except Exception:
        log.warning("after_commit_failed", exc_info=True)


def check_certificates(url: URL) -> None:
    """Raise FileNotFoundError if the URL names certificates that are not there.

    The driver would not say which.
    """
    path = url.query.get("ssl_ca")
    if path and not Path(str(path)).is_file():
        raise FileNotFoundError(f"{path}, the ssl_ca in the database's URL, is not there.")


def _create_engine(url: str, pool_size: int, statement_seconds: int | None) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=pool_size,
            hide_parameters=True,
        )
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    check_certificates(make_url(url))
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        # What people wrote has no place in error messages, which end in logs.
        hide_parameters=True,
        pool_pre_ping=True,
        pool_recycle=1800,
        # Who waits longer for a connection had better be told to come again.
        pool_timeout=10,
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": 5,
            "read_timeout": statement_seconds,
            "write_timeout": statement_seconds,
        },
    )
    event.listen(engine, "connect", _configure_mysql)
    drop_useless_connections(engine)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: read-then-write ones would start shared and
    # lose updates. `_begin_sqlite` opens them.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=5000",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def _configure_mysql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET time_zone = '+00:00', sql_mode = 'TRADITIONAL,ONLY_FULL_GROUP_BY',"
            # Shorter than the driver waits for an answer: a lock is no lost connection.
            " innodb_lock_wait_timeout = 20"
        )
