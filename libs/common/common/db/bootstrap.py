"""Create schemas and users on MySQL or MariaDB: `python -m common.db.bootstrap SERVICE ...`.

Each service gets a schema, a user without DDL for its processes (`<SERVICE>_DATABASE_URL`) and one
with it for its migrations (`<SERVICE>_MIGRATION_DATABASE_URL`); neither sees another's schema.
`BOOTSTRAP_DATABASE_URL` is that of an administrator; without a user, this one is in
`BOOTSTRAP_CREDENTIALS`: `{"username": ..., "password": ...}`, as RDS keeps its master user.
What is there stays. A user whose password is another gets the new one; on MySQL the old one stays
good beside it, for processes that still have it. Who is given a URL with `ssl_ca` must use TLS.
"""

import json
import os
import re
import sys
from dataclasses import dataclass

from sqlalchemy import URL, Connection, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from common.db.database import check_certificates

RUNTIME_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
MIGRATION_RIGHTS = f"{RUNTIME_RIGHTS}, CREATE, ALTER, DROP, INDEX, REFERENCES"
COLLATION = "CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci"


@dataclass(frozen=True)
class Plan:
    """One service's schema and who may do what in it."""

    schema: str
    runtime: URL
    migration: URL


def plan(service: str, environment: dict[str, str]) -> Plan:
    """Read what a service is to get; stops with what is wrong in its variables."""
    runtime, migration = (
        _url(f"{service.upper()}_{kind}", environment)
        for kind in ("DATABASE_URL", "MIGRATION_DATABASE_URL")
    )
    if runtime.database != migration.database:
        raise SystemExit(f"The two URLs of {service} must name the same schema.")
    if runtime.username == migration.username:
        raise SystemExit(
            f"The two URLs of {service} name the same user; its processes are to run as one that "
            "cannot change the schema."
        )
    return Plan(str(runtime.database), runtime, migration)


def bootstrap(connection: Connection, wanted: Plan) -> None:
    """Create a schema and its two users, or give existing users these passwords and rights."""
    connection.exec_driver_sql(f"CREATE DATABASE IF NOT EXISTS `{wanted.schema}` {COLLATION}")
    _allow(connection, wanted.runtime, RUNTIME_RIGHTS)
    _allow(connection, wanted.migration, MIGRATION_RIGHTS)


def _allow(connection: Connection, url: URL, rights: str) -> None:
    who = (url.username, url.password)
    connection.exec_driver_sql("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", who)
    encrypted = "SSL" if "ssl_ca" in url.query else "NONE"
    connection.exec_driver_sql(f"ALTER USER %s@'%%' REQUIRE {encrypted}", (url.username,))
    # Unescaped, `_` stands for any character here: rights on other schemas, too.
    schema = str(url.database).replace("_", r"\_")
    connection.exec_driver_sql(f"GRANT {rights} ON `{schema}`.* TO %s@'%%'", (url.username,))
    if not _signs_in(url):
        # MariaDB has no second password.
        former = "" if _is_mariadb(connection) else "RETAIN CURRENT PASSWORD"
        connection.exec_driver_sql(f"ALTER USER %s@'%%' IDENTIFIED BY %s {former}", who)


def _signs_in(url: URL) -> bool:
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 10})
    try:
        engine.connect().close()
    except OperationalError:
        return False
    return True


def _is_mariadb(connection: Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))


def administrator(environment: dict[str, str]) -> URL:
    """Return the URL of who creates schemas and users; stops with what is wrong in it."""
    url = _parse("BOOTSTRAP_DATABASE_URL", environment)
    credentials = environment.get("BOOTSTRAP_CREDENTIALS")
    if not credentials:
        return url
    if url.username:
        raise SystemExit("BOOTSTRAP_DATABASE_URL names a user, and BOOTSTRAP_CREDENTIALS another.")
    try:
        given = json.loads(credentials)
        return url.set(username=given["username"], password=given["password"])
    except (ValueError, TypeError, KeyError):
        raise SystemExit(
            'BOOTSTRAP_CREDENTIALS is not JSON such as {"username": "...", "password": "..."}.'
        ) from None


def _url(variable: str, environment: dict[str, str]) -> URL:
    """Return a URL that names user, password and schema."""
    url = _parse(variable, environment)
    if not (url.username and url.password and re.fullmatch("[a-z0-9_]+", url.database or "")):
        raise SystemExit(
            f"{variable} must name a user, a password and a schema of lower-case letters, digits "
            "and underscores: mysql+pymysql://user:password@host/schema"
        )
    return url


def _parse(variable: str, environment: dict[str, str]) -> URL:
    """Return a URL on MySQL or MariaDB; never repeats it, as it is secret."""
    if not environment.get(variable):
        raise SystemExit(f"{variable} is not set.")
    try:
        url = make_url(environment[variable])
    except ArgumentError:
        raise SystemExit(f"{variable} is not an SQLAlchemy URL.") from None
    if url.get_backend_name() not in ("mysql", "mariadb"):
        raise SystemExit(f"{variable} is not on MySQL or MariaDB; nothing else has users.")
    return url


def main(services: list[str], environment: dict[str, str]) -> None:
    """Create schemas and users of all the services; nothing happens if a variable is wrong."""
    if not services:
        raise SystemExit("Usage: python -m common.db.bootstrap SERVICE ...")
    server = administrator(environment)
    plans = [plan(service, environment) for service in services]
    check_certificates(server)
    engine = create_engine(
        server,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"connect_timeout": 10},
    )
    try:
        with engine.connect() as connection:
            for wanted in plans:
                bootstrap(connection, wanted)
                print(f"{wanted.schema}: {wanted.runtime.username}, {wanted.migration.username}")
    finally:
        engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1:], dict(os.environ))
