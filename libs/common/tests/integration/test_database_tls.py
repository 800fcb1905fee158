"""TLS to the database, as on RDS: checked by all who connect, and the only way in for users."""

import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from common.db import Database
from common.db.bootstrap import main
from common.db.migrate import upgrade
from common.testing.certificates import Authority
from common.testing.mariadb import (
    HOW_TO_GET_IT,
    find_mariadbd,
    install_mariadb,
    mariadb_url,
    start_mariadb,
)

# Those of the master user of RDS for MariaDB: SUPER is not among them. Aurora's has more.
RIGHTS = """SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER,
    SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE,
    REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT,
    TRIGGER"""
MASTER = {"username": "master", "password": "p@:/?#%[]\"'\\ "}


@dataclass(frozen=True)
class Server:
    """A server with a certificate for `localhost`."""

    port: int
    authority: Path

    def environment(self, host: str = "localhost", authority: Path | None = None) -> dict[str, str]:
        """Return what the bootstrap and a service are told about it."""
        address = f"{host}:{self.port}"
        options = f"charset=utf8mb4&ssl_ca={authority or self.authority}"
        return {
            "BOOTSTRAP_DATABASE_URL": f"mysql+pymysql://{address}/?{options}",
            "BOOTSTRAP_CREDENTIALS": json.dumps(MASTER),
            "AUTH_DATABASE_URL": f"mysql+pymysql://auth:one@{address}/auth?{options}",
            "AUTH_MIGRATION_DATABASE_URL": f"mysql+pymysql://auth_ddl:two@{address}/auth?{options}",
        }


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if find_mariadbd() is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        raise missing.Exception(HOW_TO_GET_IT)
    with tempfile.TemporaryDirectory(prefix="antiphon-") as name:
        folder = Path(name)
        authority, port = Authority(folder / "authority.pem"), _free_port()
        certificate = authority.issue("localhost")
        install_mariadb(folder / "data")
        process = start_mariadb(
            folder,
            "--skip-networking=0",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            f"--ssl-cert={certificate}",
            f"--ssl-key={certificate}",
        )
        try:
            _make_master(mariadb_url(folder))
            yield Server(port, authority.path)
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _make_master(root: str) -> None:
    engine = create_engine(root, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE USER %s@'%%' IDENTIFIED BY %s", tuple(MASTER.values()))
        connection.exec_driver_sql(f"GRANT {RIGHTS} ON *.* TO master@'%%' WITH GRANT OPTION")
    engine.dispose()


@pytest.fixture(scope="module")
def migrated(server: Server) -> Server:
    main(["auth"], server.environment())
    main(["auth"], server.environment())
    _migrate(server.environment())
    return server


def _ping(environment: dict[str, str]) -> None:
    database = Database(environment["AUTH_DATABASE_URL"])
    try:
        database.ping()
    finally:
        database.dispose()


def _migrate(environment: dict[str, str]) -> None:
    upgrade("auth", environment["AUTH_MIGRATION_DATABASE_URL"])


def _bootstrap(environment: dict[str, str]) -> None:
    main(["auth"], environment)


def test_processes_use_it(migrated: Server) -> None:
    database = Database(migrated.environment()["AUTH_DATABASE_URL"])
    with database.reading() as session:
        cipher = session.execute(text("SHOW SESSION STATUS LIKE 'Ssl_cipher'")).one()[1]
        assert session.execute(text("SELECT COUNT(*) FROM outbox")).scalar_one() == 0
    database.dispose()
    assert cipher


@pytest.mark.parametrize("variable", ["AUTH_DATABASE_URL", "AUTH_MIGRATION_DATABASE_URL"])
def test_users_do_not_get_in_without(migrated: Server, variable: str) -> None:
    plain = make_url(migrated.environment()[variable]).set(query={"ssl_disabled": "true"})
    # 1045: access denied.
    with pytest.raises(OperationalError, match="1045"):
        _ping({"AUTH_DATABASE_URL": plain.render_as_string(hide_password=False)})


@pytest.mark.parametrize("connect", [_ping, _migrate, _bootstrap])
def test_servers_prove_who_they_are(
    migrated: Server, connect: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    connect(migrated.environment())
    # The certificate names localhost only.
    with pytest.raises(OperationalError, match="certificate is not valid"):
        connect(migrated.environment(host="127.0.0.1"))
    other = Authority(tmp_path / "authority.pem")
    with pytest.raises(OperationalError, match="certificate verify failed"):
        connect(migrated.environment(authority=other.path))


@pytest.mark.parametrize("connect", [_ping, _migrate, _bootstrap])
def test_certificates_that_are_not_there_are_named(
    server: Server, connect: Callable[[dict[str, str]], None], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.pem, the ssl_ca in the database's URL"):
        connect(server.environment(authority=tmp_path / "gone.pem"))
