"""What users of a service's schema may do, and what the bootstrap refuses."""

import json

import pytest
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import OperationalError

from common.db import Database
from common.db.bootstrap import Plan, administrator, main, plan
from common.testing.schemas import MakeSchema, ServerSchemas

ENVIRONMENT = {
    "A_DATABASE_URL": "mysql+pymysql://a:secret@db/a_data",
    "A_MIGRATION_DATABASE_URL": "mysql+pymysql://a_ddl:secret@db/a_data",
}
SERVER = "mysql+pymysql://db:3306/?charset=utf8mb4&ssl_ca=/rds.pem"


@pytest.mark.parametrize("lend_schema", ["mysql"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id INT)",
        "DROP TABLE outbox",
        "ALTER TABLE outbox ADD COLUMN more INT",
        "TRUNCATE TABLE outbox",
        "SELECT * FROM {other}.outbox",
    ],
)
def test_processes_may_not(make_schema: MakeSchema, statement: str) -> None:
    database = Database(make_schema("auth"))
    other = make_url(make_schema("playlist")).database
    # 1142: command denied to the user.
    with database.reading() as session, pytest.raises(OperationalError, match="1142"):
        session.execute(text(statement.format(other=other)))
    database.dispose()


@pytest.mark.parametrize("lend_schema", ["mysql"], indirect=True)
def test_migrations_see_no_other_schema(make_schema: MakeSchema) -> None:
    database = Database(make_schema("auth", migrating=True))
    other = make_url(make_schema("playlist")).database
    with database.reading() as session, pytest.raises(OperationalError, match="1142"):
        session.execute(text(f"DROP TABLE {other}.outbox"))
    database.dispose()


@pytest.mark.parametrize("lend_schema", ["mysql"], indirect=True)
def test_sessions_are_strict_and_in_utc(make_schema: MakeSchema) -> None:
    database = Database(make_schema("auth"))
    with database.reading() as session:
        mode, zone, letters = session.execute(
            text("SELECT @@sql_mode, @@time_zone, @@character_set_connection")
        ).one()
        level = session.connection().get_isolation_level()
    database.dispose()
    assert {"STRICT_ALL_TABLES", "NO_ZERO_DATE", "ONLY_FULL_GROUP_BY"} <= set(mode.split(","))
    assert (zone, letters, level) == ("+00:00", "utf8mb4", "READ COMMITTED")


def test_a_new_password_is_given_once(server_schemas: tuple[ServerSchemas, str]) -> None:
    schemas, server = server_schemas
    with schemas.lend(None) as url:
        former = make_url(url)
        changed = Plan(
            schema=str(former.database),
            runtime=former.set(password="another"),
            migration=make_url(url).set(username=f"{former.database}_m", password="a third"),
        )
        schemas.bootstrap(changed)
        # Again, as when a deployment is begun anew: the one before must not count as the former.
        schemas.bootstrap(changed)
        assert _signs_in(changed.runtime)
        assert _signs_in(former) == ("MariaDB" not in server)


def _signs_in(url: URL) -> bool:
    database = Database(url.render_as_string(hide_password=False))
    try:
        with database.reading() as session:
            return bool(session.scalar(text("SELECT 1")))
    except OperationalError as error:
        if "1045" in str(error):  # access denied
            return False
        raise
    finally:
        database.dispose()


def test_the_plan_of_a_service() -> None:
    wanted = plan("a", ENVIRONMENT)
    assert wanted.schema == "a_data"
    assert (wanted.runtime.username, wanted.migration.username) == ("a", "a_ddl")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "A_MIGRATION_DATABASE_URL is not set"),
        ("mysql+pymysql://a_ddl:secret@db/other", "must name the same schema"),
        ("mysql+pymysql://a:secret@db/a_data", "name the same user"),
        ("mysql+pymysql://a_ddl@db/a_data", "must name a user, a password and a schema"),
        ("mysql+pymysql://a_ddl:secret@db/a`b", "must name a user, a password and a schema"),
        ("sqlite:///secret.db", "is not on MySQL or MariaDB"),
        ("secret", "is not an SQLAlchemy URL"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(url: str, message: str) -> None:
    with pytest.raises(SystemExit, match=message) as caught:
        plan("a", ENVIRONMENT | {"A_MIGRATION_DATABASE_URL": url})
    assert "secret" not in str(caught.value)


def test_an_administrator_is_needed() -> None:
    with pytest.raises(SystemExit, match="BOOTSTRAP_DATABASE_URL is not set"):
        main(["a"], ENVIRONMENT)


def test_the_administrator_may_be_named_apart_from_the_server() -> None:
    password = "p@:/?#%[]\"'\\ é"
    credentials = json.dumps({"username": "master", "password": password})
    url = administrator({"BOOTSTRAP_DATABASE_URL": SERVER, "BOOTSTRAP_CREDENTIALS": credentials})
    assert (url.username, url.password, url.host) == ("master", password, "db")
    assert url.query["ssl_ca"] == "/rds.pem"


@pytest.mark.parametrize(
    ("server", "credentials", "message"),
    [
        (SERVER, "secret", "BOOTSTRAP_CREDENTIALS is not JSON such as"),
        (SERVER, '"secret"', "BOOTSTRAP_CREDENTIALS is not JSON such as"),
        (SERVER, '{"password": "secret"}', "BOOTSTRAP_CREDENTIALS is not JSON such as"),
        ("mysql+pymysql://root:secret@db/", "{}", "and BOOTSTRAP_CREDENTIALS another"),
        ("secret", "{}", "BOOTSTRAP_DATABASE_URL is not an SQLAlchemy URL"),
        ("sqlite:///secret.db", "{}", "BOOTSTRAP_DATABASE_URL is not on MySQL or MariaDB"),
    ],
)
def test_what_is_wrong_with_the_administrator_is_said_without_the_secret(
    server: str, credentials: str, message: str
) -> None:
    with pytest.raises(SystemExit, match=message) as caught:
        administrator({"BOOTSTRAP_DATABASE_URL": server, "BOOTSTRAP_CREDENTIALS": credentials})
    assert "secret" not in str(caught.value)
