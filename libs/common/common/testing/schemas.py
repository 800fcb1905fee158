"""Schemas for tests: SQLite files, or schemas with a user of their own on MySQL or MariaDB.

On a server a service's tests run as its processes do: as a user who reads and writes rows of one
schema and may not change its tables.
"""

import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from sqlalchemy import Connection, MetaData, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from common.db import Database
from common.db.bootstrap import Plan, bootstrap
from common.db.migrate import upgrade

LendSchema = Callable[[str | None, MetaData | None, bool], AbstractContextManager[str]]
MakeSchema = Callable[..., str]


@contextmanager
def sqlite_schema(
    service: str | None, folder: Path, templates: Path, tables: MetaData | None = None
) -> Iterator[str]:
    """Give the URL of a migrated file in `folder`, or of one with only `tables` in it.

    A service's migrations run once a test process; a copy takes a millisecond.
    """
    copy = folder / f"{service or 'schema'}.db"
    if service:
        template = templates / f"{service}-template.db"
        if not template.exists():
            upgrade(service, f"sqlite:///{template}")
            # What is still in the log must be in the file that gets copied.
            connection = sqlite3.connect(template)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        shutil.copy(template, copy)
    _create(f"sqlite:///{copy}", tables)
    yield f"sqlite:///{copy}"


@dataclass(frozen=True)
class Schema:
    """A migrated schema of a server, and the tables that tests may fill."""

    plan: Plan
    tables: tuple[str, ...]


class ServerSchemas:
    """Lends schemas of a server to tests; emptied, one serves the next test.

    Close it to drop them.
    """

    def __init__(self, server_url: str) -> None:
        self._server = make_url(server_url)
        self._admin = create_engine(
            server_url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 10}
        )
        self._free: dict[str, list[Schema]] = defaultdict(list)
        self._made: list[Schema] = []

    @contextmanager
    def lend(
        self, service: str | None, tables: MetaData | None = None, migrating: bool = False
    ) -> Iterator[str]:
        """Give the URL of a service's schema, or of one with only `tables` in it.

        It is that of the user for the processes, or of the one for `migrating`.
        """
        reusable = service is not None and tables is None and not migrating
        free = self._free[service or ""]
        schema = free.pop() if reusable and free else self._make(service, tables)
        url = schema.plan.migration if migrating else schema.plan.runtime
        yield url.render_as_string(hide_password=False)
        if reusable and self._empty(schema):
            free.append(schema)

    def bootstrap(self, plan: Plan) -> None:
        """Give schema and users what a plan says."""
        with self._admin.connect() as connection:
            bootstrap(connection, plan)

    def forget_statistics(self, schema: str, table: str) -> None:
        """Let InnoDB take a table for empty, as after a restart soon after its first rows."""
        forget = (
            "UPDATE mysql.innodb_table_stats SET n_rows = 0 "
            "WHERE database_name = :schema AND table_name = :table"
        )
        with self._admin.connect() as connection:
            connection.execute(text(forget), {"schema": schema, "table": table})
            connection.exec_driver_sql(f"FLUSH TABLE `{schema}`.`{table}`")

    def close(self) -> None:
        """Drop all schemas and their users."""
        with self._admin.connect() as connection:
            connection.execute(text("SET SESSION lock_wait_timeout = 5"))
            for schema in self._made:
                _drop(connection, schema.plan)
        self._admin.dispose()

    def _make(self, service: str | None, tables: MetaData | None) -> Schema:
        name = f"test_{service or 'schema'}_{token_hex(6)}"
        place = self._server.set(database=name, password=token_hex(8))
        plan = Plan(
            name,
            runtime=place.set(username=f"{name}_r"),
            migration=place.set(username=f"{name}_m"),
        )
        self.bootstrap(plan)
        with self._admin.connect() as connection:
            migration_url = plan.migration.render_as_string(hide_password=False)
            if service:
                upgrade(service, migration_url)
            _create(migration_url, tables)
            schema = Schema(plan, _filled(_tables_of(connection, name)))
        self._made.append(schema)
        return schema

    def _empty(self, schema: Schema) -> bool:
        """Delete all rows; say whether the schema is as good as new."""
        name = schema.plan.schema
        with self._admin.connect() as connection:
            if _is_in_use(connection, name):
                return False
            connection.execute(text("SET SESSION foreign_key_checks = 0, lock_wait_timeout = 2"))
            connection.execute(text("SET SESSION innodb_lock_wait_timeout = 2"))
            try:
                for table in _with_rows(connection, schema):
                    connection.execute(text(f"DELETE FROM `{name}`.`{table}`"))
            except SQLAlchemyError:
                return False
            finally:
                connection.invalidate()  # its settings are not for the next one
        return True


def _create(url: str, tables: MetaData | None) -> None:
    if tables is not None:
        database = Database(url, pool_size=1)
        tables.create_all(database.engine)
        database.dispose()


def _tables_of(connection: Connection, schema: str) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = :schema"
    return list(connection.execute(text(query), {"schema": schema}).scalars())


def _filled(tables: list[str]) -> tuple[str, ...]:
    return tuple(table for table in tables if table != "alembic_version")


def _with_rows(connection: Connection, schema: Schema) -> list[str]:
    name = schema.plan.schema
    queries = [
        f"SELECT '{table}' FROM DUAL WHERE EXISTS (SELECT 1 FROM `{name}`.`{table}`)"
        for table in schema.tables
    ]
    return list(connection.execute(text(" UNION ALL ".join(queries))).scalars())


def _is_in_use(connection: Connection, schema: str) -> bool:
    """Whether some process that a test left behind still has a connection."""
    query = text("SELECT COUNT(*) FROM information_schema.processlist WHERE db = :schema")
    return bool(connection.execute(query, {"schema": schema}).scalar_one())


def _drop(connection: Connection, plan: Plan) -> None:
    connection.exec_driver_sql(f"DROP DATABASE `{plan.schema}`")
    for url in (plan.runtime, plan.migration):
        connection.exec_driver_sql("DROP USER %s@'%%'", (url.username,))
