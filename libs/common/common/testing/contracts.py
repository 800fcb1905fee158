"""Contracts of events in tests: producers emit only what they promise, consumers take all of it."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import Engine, event, inspect, select, text
from sqlalchemy import table as sql_table

from common.db import Database
from common.events import Subscriptions
from common.events.inbox import receive
from common.events.tables import inbox, outbox

Sample = dict[str, Any]


@cache
def validator(contracts_dir: Path, event_type: str) -> Draft202012Validator:
    """Return the validator of an event type's envelopes; raises LookupError without a schema."""
    path = contracts_dir / "events" / f"{event_type}.json"
    if not path.exists():
        raise LookupError(f"{event_type} has no schema in contracts/events: run `make contracts`")
    # Without rfc3339-validator jsonschema would let any text pass as a time.
    formats = FormatChecker(["date", "date-time"])
    return Draft202012Validator(json.loads(path.read_text()), format_checker=formats)


@contextmanager
def only_valid_events(contracts_dir: Path) -> Iterator[None]:
    """Refuse what breaks its JSON Schema as it is written to any outbox in this process.

    Raises AssertionError where the event is emitted, and once more at the end: what emitted it may
    have caught the first.
    """
    broken: list[str] = []

    def check(*arguments: Any) -> None:
        context = arguments[4]
        if not context.isinsert or context.compiled.statement.table.name != "outbox":
            return
        for row in context.compiled_parameters:
            broken.extend(violations(contracts_dir, json.loads(row["envelope"])))
        assert not broken, "\n".join(broken)

    event.listen(Engine, "before_cursor_execute", check)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", check)
    assert not broken, "\n".join(broken)


def violations(contracts_dir: Path, envelope: Sample) -> list[str]:
    """Say where an envelope breaks the schema of its type."""
    errors = validator(contracts_dir, envelope["type"]).iter_errors(envelope)
    return [f"{envelope['type']} at {error.json_path}: {error.message}" for error in errors]


def published_samples(contracts_dir: Path, service: str) -> dict[str, Sample]:
    """Return the golden envelope of each event type that a service publishes."""
    paths = sorted((contracts_dir / "events" / "samples").glob(f"{service}.*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def received_samples(contracts_dir: Path, service: str) -> dict[str, Sample]:
    """Return the golden envelope of each event type that is routed to a service."""
    routes = yaml.safe_load((contracts_dir / "subscribers.yaml").read_text())
    types = sorted(kind for kind, subscribers in routes.items() if service in subscribers)
    folder = contracts_dir / "events" / "samples"
    return {kind: json.loads((folder / f"{kind}.json").read_text()) for kind in types}


def with_unknown_fields(value: Any) -> Any:
    """Return the sample with what a later version might add to each object in it, at any depth."""
    if isinstance(value, dict):
        known = {name: with_unknown_fields(item) for name, item in value.items()}
        return known | {"laterfield": {"deep": [1]}}
    if isinstance(value, list):
        return [with_unknown_fields(item) for item in value]
    return value


def barest(contracts_dir: Path, sample: Sample) -> Sample:
    """Return the sample with as little in its data as the schema allows: nulls and empty lists."""
    schema: Any = validator(contracts_dir, sample["type"]).schema
    fields = schema["properties"]["data"]["properties"]
    emptied = {name: None for name, field in fields.items() if _is_nullable(field)}
    emptied |= {name: [] for name, field in fields.items() if field.get("type") == "array"}
    bare = sample | {"data": sample["data"] | emptied}
    assert violations(contracts_dir, bare) == []
    return bare


def _is_nullable(field: Sample) -> bool:
    return {"type": "null"} in field.get("anyOf", ())


def consume(database: Database, subscriptions: Subscriptions, sample: Sample) -> None:
    """Receive the sample as a worker does; AssertionError unless its effect was committed."""
    receive(database, subscriptions, json.dumps(sample).encode())
    with database.reading() as session:
        found = select(inbox.c.state, inbox.c.last_error).where(inbox.c.event_id == sample["id"])
        assert session.execute(found).one() == ("done", None), sample["type"]


def assert_applied_once(database: Database, subscriptions: Subscriptions, sample: Sample) -> None:
    """Assert that the sample is applied, and that its second copy changes not a single row."""
    consume(database, subscriptions, sample)
    once = rows(database)
    consume(database, subscriptions, sample)
    assert_same(rows(database), once)


def assert_order_is_irrelevant(
    databases: tuple[Database, Database],
    subscriptions: Subscriptions,
    samples: Sequence[Sample],
    columns: dict[str, str],
) -> None:
    """Assert that both databases hold the same afterwards, one having got the samples reversed.

    `columns` names what is compared: SQL columns by table, `*` for all. No table may be empty.
    """
    results = []
    for database, order in zip(databases, (samples, samples[::-1]), strict=True):
        for sample in order:
            consume(database, subscriptions, sample)
        results.append({table: _select(database, table, columns[table]) for table in columns})
    assert_same(*results)
    empty = [table for table, found in results[0].items() if not found]
    assert not empty, f"nothing to compare in {empty}"


def assert_same(one: dict[str, list[str]], other: dict[str, list[str]]) -> None:
    """Assert that the rows of all tables are the same, and say which are not."""
    for table, found in one.items():
        assert found == other[table], f"{table}: {found} is not {other[table]}"


def rows(database: Database) -> dict[str, list[str]]:
    """Return all rows of all tables of a schema."""
    tables = inspect(database.engine).get_table_names()
    return {table: _select(database, table, "*") for table in tables}


def emitted_types(database: Database) -> set[str]:
    """Return the types of all events in a service's outbox."""
    with database.reading() as session:
        return set(session.scalars(select(outbox.c.type)))


def _select(database: Database, table: str, columns: str) -> list[str]:
    with database.reading() as session:
        # Built, not written: some tables are called what MySQL reserves.
        found = session.execute(select(text(columns)).select_from(sql_table(table)))
        return sorted(repr(tuple(row)) for row in found)
