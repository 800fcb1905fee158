"""Migrations: they make what the models say, keep the data, and let the old code run meanwhile."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, func, insert, select
from sqlalchemy.types import BigInteger, Date, DateTime, Integer, LargeBinary, Numeric

from common.db import new_id
from common.db.migrate import configured, upgrade
from common.db.revisions import migrations_folder
from common.testing.schemas import MakeSchema

SERVICES = ("auth", "catalog", "playlist", "media")
_BOOKKEEPING = "alembic_version"
_BEFORE_THE_FIRST_RELEASE = {"0003_erase_users_step_by_step.py": {"erased_owner"}}
"""What took tables away while nobody could have data in them: never to grow."""
_DESTRUCTIVE = {"drop_table", "drop_column", "rename_table", "drop_constraint"}
_DESTRUCTIVE_SQL = ("DROP ", "RENAME ", "TRUNCATE ", "DELETE ")


def _scripts(service: str) -> list[Path]:
    return sorted((migrations_folder(service) / "versions").glob("[0-9]*.py"))


FORMER = [(service, script.name[:4]) for service in SERVICES for script in _scripts(service)[:-1]]


@pytest.mark.parametrize("service", SERVICES)
def test_models_and_migrations_agree(service: str, make_schema: MakeSchema) -> None:
    from alembic import command

    url = make_schema(migrating=True)
    upgrade(service, url)
    with configured(service, url) as config:
        command.check(config)


@pytest.mark.parametrize(("service", "revision"), FORMER)
def test_data_of_each_former_revision_is_kept(
    service: str, revision: str, make_schema: MakeSchema
) -> None:
    url = make_schema(migrating=True)
    upgrade(service, url, revision)
    engine = create_engine(url)
    with engine.begin() as connection:
        before = _fill(connection)
    upgrade(service, url)
    with engine.connect() as connection:
        after = _reflect(connection)
        gone = before.keys() - after.tables.keys()
        assert gone <= _dropped_tables(service), "a table went with its data"
        for name in before.keys() & after.tables.keys():
            _assert_kept(connection, after.tables[name], before[name])
    engine.dispose()


def _reflect(connection: Connection) -> MetaData:
    tables = MetaData()
    # What a full-text index of SQLite keeps in tables of its own is not for us to write.
    tables.reflect(connection, only=lambda name, _: not name.startswith("search_"))
    return tables


def _fill(connection: Connection) -> dict[str, dict[str, Any]]:
    """Write a row into every table; return them by table."""
    rows: dict[str, dict[str, Any]] = {}
    for table in _reflect(connection).sorted_tables:
        if table.name == _BOOKKEEPING:
            continue
        row = {column.name: _value(column, rows) for column in table.columns}
        connection.execute(insert(table).values(row))
        # As the database gives it back, which may round a time.
        rows[table.name] = dict(connection.execute(select(table)).mappings().one())
    return rows


def _value(column: Column[Any], rows: dict[str, dict[str, Any]]) -> Any:
    for key in column.foreign_keys:
        parent = key.column
        if parent.table.name in rows:
            return rows[parent.table.name][parent.name]
        return None  # itself, or one that comes later
    kind = column.type
    if isinstance(kind, DateTime):
        return datetime(2026, 11, 24, 12, tzinfo=UTC).replace(tzinfo=None)
    if isinstance(kind, Date):
        return date(2026, 11, 24)
    if isinstance(kind, Integer | BigInteger | Numeric):
        return 1
    if isinstance(kind, LargeBinary):
        return b"x"
    if kind.python_type is bool:
        return True
    length = getattr(kind, "length", None)
    if kind.python_type in (dict, list):
        return {}
    # Without a length it may be JSON, which MariaDB keeps as text and checks.
    return new_id()[:length] if length else "{}"


def _assert_kept(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    found = connection.execute(select(table)).mappings().all()
    # A migration may add rows, such as one for each user; it may not lose or change any.
    kept = [{name: value for name, value in each.items() if name in row} for each in found]
    assert {name: value for name, value in row.items() if name in table.columns} in kept, table.name
    assert connection.execute(select(func.count()).select_from(table)).scalar_one() >= 1


def _dropped_tables(service: str) -> set[str]:
    """Return what the service's contract steps drop on purpose."""
    early = [_BEFORE_THE_FIRST_RELEASE.get(script.name, set()) for script in _scripts(service)]
    return set().union(*early) | {
        str(ast.literal_eval(call.args[0]))
        for script in _scripts(service)
        if _unused_since(ast.parse(script.read_text()))
        for call in _calls(ast.parse(script.read_text()))
        if _name(call) == "drop_table"
    }


@pytest.mark.parametrize("service", SERVICES)
def test_only_a_contract_step_takes_anything_away(service: str, project_root: Path) -> None:
    releases = (project_root / "CHANGELOG.md").read_text()
    for script in _scripts(service):
        tree = ast.parse(script.read_text())
        if script.name in _BEFORE_THE_FIRST_RELEASE:
            continue
        since = _unused_since(tree)
        if since is None:
            assert list(_breaking(tree)) == [], _advice(script)
        else:
            heading = rf"^## \[?{re.escape(since)}\b"
            found = re.search(heading, releases, re.MULTILINE)
            assert found, f"{script.name}: no release {since} in CHANGELOG.md"


def _advice(script: Path) -> str:
    return (
        f"{script.name} breaks the code of the release that still runs while it migrates. Do it in "
        'a later release, and write there which one stopped using it: `unused_since = "1.2.0"`; '
        "see CONTRIBUTING.md."
    )


@pytest.mark.parametrize(
    "line",
    [
        'op.drop_table("a")',
        'batch_op.drop_column("b")',
        'op.rename_table("a", "b")',
        'batch_op.alter_column("a", new_column_name="b")',
        'batch_op.alter_column("a", nullable=False)',
        'batch_op.alter_column("a", type_=sa.Integer())',
        'batch_op.add_column(sa.Column("a", sa.Integer(), nullable=False))',
        'op.add_column("t", sa.Column("a", sa.Integer(), nullable=False))',
        'op.execute("ALTER TABLE a DROP COLUMN b")',
        'op.execute(f"drop table {name}")',
        'op.create_unique_constraint("u", "t", ["a"])',
        'op.create_index("i", "t", ["a"], unique=True)',
    ],
)
def test_what_breaks_the_former_release_is_seen(line: str) -> None:
    assert len(list(_breaking(ast.parse(f"def upgrade():\n    {line}")))) == 1


@pytest.mark.parametrize(
    "line",
    [
        'batch_op.add_column(sa.Column("a", sa.Integer(), nullable=True))',
        'batch_op.add_column(sa.Column("a", sa.Integer(), server_default="0", nullable=False))',
        'op.create_table("t", sa.Column("a", sa.Integer(), nullable=False))',
        'batch_op.drop_index("i")',
        'batch_op.create_index("i", ["a"], unique=False)',
        'batch_op.alter_column("a", nullable=True)',
        'op.execute("INSERT INTO a SELECT * FROM b")',
    ],
)
def test_what_only_adds_is_fine(line: str) -> None:
    assert list(_breaking(ast.parse(f"def upgrade():\n    {line}"))) == []


def _unused_since(tree: ast.Module) -> str | None:
    """Return the release that stopped using what a contract step takes away."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "unused_since":
            since = str(ast.literal_eval(node.value))
            assert re.fullmatch(r"\d+\.\d+\.\d+", since), f"unused_since: {since} is no release"
            return since
    return None


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _breaking(tree: ast.Module) -> Iterator[str]:
    """Give each operation that code of the former release may not survive."""
    made = {ast.unparse(call.args[0]) for call in _calls(tree) if _name(call) == "create_table"}
    for call in _calls(tree):
        if _breaks(call, {keyword.arg: keyword.value for keyword in call.keywords}, made):
            yield ast.unparse(call)


def _breaks(call: ast.Call, options: dict[str | None, ast.expr], made: set[str]) -> bool:
    name = _name(call)
    if name == "execute":
        sql = " ".join(ast.unparse(argument) for argument in call.args).upper()
        return any(word in sql for word in _DESTRUCTIVE_SQL)
    if name == "alter_column":
        renames = "new_column_name" in options or "type_" in options
        return renames or _is(options.get("nullable"), False)
    if name == "add_column":
        column = next(each for each in call.args if isinstance(each, ast.Call))
        given = {keyword.arg: keyword.value for keyword in column.keywords}
        return _is(given.get("nullable"), False) and "server_default" not in given
    if name in ("create_index", "create_unique_constraint"):
        unique = name != "create_index" or _is(options.get("unique"), True)
        return unique and not any(ast.unparse(each) in made for each in call.args)
    return name in _DESTRUCTIVE


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
