"""Bring schemas to their newest migration: `python -m common.db.migrate auth catalog`."""

import importlib.util
import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData

from common.db.database import Database


def migrations_folder(service: str) -> Path:
    """Return where the service keeps its migrations: inside its package, or beside it."""
    spec = importlib.util.find_spec(service)
    if spec is None or spec.origin is None:
        raise SystemExit(f"There is no service named {service!r} in this environment.")
    package = Path(spec.origin).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def upgrade(service: str, database_url: str, revision: str = "head") -> None:
    """Run the service's migrations up to `revision`; does nothing when they have run."""
    database = Database(database_url, pool_size=1)
    try:
        writer = database.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with writer.connect() as connection:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(migrations_folder(service)))
            command.upgrade(config, revision)
    finally:
        database.dispose()


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
    )
    with context.begin_transaction():
        context.run_migrations()


def main(services: list[str]) -> None:
    """Migrate each service's schema from its `<SERVICE>_DATABASE_URL`."""
    if not services:
        raise SystemExit("Usage: python -m common.db.migrate SERVICE [SERVICE ...]")
    for service in services:
        variable = f"{service.upper()}_DATABASE_URL"
        url = os.environ.get(variable)
        if not url:
            raise SystemExit(f"{variable} is not set, so {service} cannot be migrated.")
        upgrade(service, url)


if __name__ == "__main__":
    main(sys.argv[1:])
