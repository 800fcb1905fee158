"""Bring schemas to their newest migration: `python -m common.db.migrate auth catalog`.

`python -m common.db.migrate --revise auth "add keys"` writes a migration instead.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Double, Float, MetaData

from common.db.database import Database
from common.db.revisions import migrations_folder
from common.db.types import Id, LongText, UtcDateTime


@contextmanager
def configured(service: str, database_url: str) -> Iterator[Config]:
    """Give Alembic's configuration for the service, with a connection to its schema."""
    # No limit of time: rebuilding a large table takes what it takes.
    database = Database(database_url, pool_size=1, statement_seconds=None)
    try:
        writer = database.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with writer.connect() as connection:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(migrations_folder(service)))
            yield config
    finally:
        database.dispose()


def upgrade(service: str, database_url: str, revision: str = "head") -> None:
    """Run the service's migrations up to `revision`; does nothing when they have run."""
    with configured(service, database_url) as config:
        command.upgrade(config, revision)


def revise(service: str, message: str) -> None:
    """Write a migration from the service's newest one to what its models say now."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/schema.db"
        upgrade(service, url)
        with configured(service, url) as config:
            command.revision(config, message, autogenerate=True, rev_id=_next_revision(config))


def _next_revision(config: Config) -> str:
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())
    return f"{len(revisions) + 1:04}"


def run_migrations(config: Config, target: list[MetaData]) -> None:
    """Be the body of a service's `env.py`: run on the connection that `upgrade` opened."""
    from alembic import context

    connection: Connection | None = config.attributes.get("connection")
    if connection is None:
        raise SystemExit("Run migrations with `python -m common.db.migrate SERVICE`.")
    context.configure(
        connection=connection,
        target_metadata=target,
        # Rebuilds tables where SQLite cannot alter them.
        render_as_batch=True,
        # True of SQLite too, once the driver no longer commits by itself.
        transactional_ddl=connection.dialect.name == "sqlite",
        include_object=_is_ours,
        compare_type=_differs,
        render_item=_render_type,
    )
    with context.begin_transaction():
        context.run_migrations()


def _is_ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
    # Full-text indexes and their shadow tables are made by hand in migrations.
    return not (kind == "table" and (name or "").startswith("search_"))


def _differs(*types: Any) -> bool | None:
    """Compare a column's type in the database and in the models; None leaves it to Alembic."""
    inspected, wanted = types[3:]
    # MySQL makes FLOAT(53) a DOUBLE, and says so.
    same = isinstance(inspected, Double) and isinstance(wanted, Float) and wanted.precision == 53
    return False if same else None


def _render_type(_kind: str, item: object, context: Any) -> str | Literal[False]:
    names = {id(Id): "Id", id(LongText): "LongText"}
    name = "UtcDateTime()" if isinstance(item, UtcDateTime) else names.get(id(item))
    if name is None:
        return False
    context.imports.add(f"from common.db import {name.removesuffix('()')}")
    return name


def main(services: list[str]) -> None:
    """Migrate each service's schema, as the user of its `<SERVICE>_MIGRATION_DATABASE_URL`.

    Where there is only one user, such as on SQLite, `<SERVICE>_DATABASE_URL` is enough.
    """
    if not services:
        raise SystemExit("Usage: python -m common.db.migrate SERVICE [SERVICE ...]")
    for service in services:
        variable = f"{service.upper()}_DATABASE_URL"
        url = os.environ.get(variable.replace("DATABASE", "MIGRATION_DATABASE"))
        url = url or os.environ.get(variable)
        if not url:
            raise SystemExit(f"{variable} is not set, so {service} cannot be migrated.")
        upgrade(service, url)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--revise"]:
        revise(sys.argv[2], sys.argv[3])
    else:
        main(sys.argv[1:])
