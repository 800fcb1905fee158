"""Freshly migrated schemas for tests: SQLite files, or databases of a given MySQL or MariaDB."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from common.db import new_id
from common.db.migrate import upgrade


@contextmanager
def fresh_schema(service: str, folder: Path, templates: Path) -> Iterator[str]:
    """Give the URL of a service's own migrated schema, on `TEST_DATABASE_URL` if that is set.

    That URL names a server and a user who may create databases, such as
    `mysql+pymysql://root@127.0.0.1:3306`.
    """
    server = os.environ.get("TEST_DATABASE_URL")
    if server is None:
        yield _copy_of_template(service, folder, templates)
        return
    name = f"test_{service}_{new_id().replace('-', '')}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        collation = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci"
        connection.execute(text(f"CREATE DATABASE {name} {collation}"))
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
        try:
            upgrade(service, url)
            yield url
        finally:
            connection.execute(text(f"DROP DATABASE {name}"))
    engine.dispose()


def _copy_of_template(service: str, folder: Path, templates: Path) -> str:
    """Migrate once a test process, then copy: a copy takes a millisecond."""
    template = templates / f"{service}-template.db"
    if not template.exists():
        upgrade(service, f"sqlite:///{template}")
        # What is still in the log must be in the file that gets copied.
        connection = sqlite3.connect(template)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    copy = folder / f"{service}.db"
    shutil.copy(template, copy)
    return f"sqlite:///{copy}"
