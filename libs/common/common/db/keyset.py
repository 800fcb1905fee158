"""Keyset pages: page 1,000 costs what page 1 costs, and inserts never shift a page."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, and_, asc, desc, or_
from sqlalchemy.orm import InstrumentedAttribute, Session

from common.errors import FieldError, Invalid

_LARGEST_INTEGER = 2**63 - 1

Column = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True)
class Page:
    """The rows of one page and the cursor of the next, or None at the end."""

    rows: Sequence[Any]
    next_cursor: str | None


def page(
    session: Session,
    query: Select[Any],
    *,
    order_by: Sequence[Column],
    limit: int,
    cursor: str | None,
    descending: bool = False,
) -> Page:
    """Run `query` from `cursor` on, at most `limit` rows, in the order of `order_by`.

    The columns must be NOT NULL and the last one unique. A query of one entity gives entities, any
    other gives rows. Raises Invalid for a cursor that is not of this order.
    """
    if cursor is not None:
        query = query.where(_after(order_by, _decode(cursor, order_by), descending))
    direction = desc if descending else asc
    keys = [column.label(f"_key_{index}") for index, column in enumerate(order_by)]
    query = query.add_columns(*keys).order_by(*map(direction, order_by)).limit(limit + 1)
    found = session.execute(query).all()
    rows, more = found[:limit], len(found) > limit
    next_cursor = _encode(rows[-1][-len(keys) :]) if more else None
    only = len(found[0]) == len(keys) + 1 if found else False
    return Page([row[0] for row in rows] if only else rows, next_cursor)


def _after(
    columns: Sequence[Column], values: Sequence[Any], descending: bool
) -> ColumnElement[bool]:
    """Say `(a, b) > (x, y)` in the form that every database can use an index for."""
    alternatives = []
    for index, (column, value) in enumerate(zip(columns, values, strict=True)):
        beyond = column < value if descending else column > value
        equal = [c == v for c, v in zip(columns[:index], values[:index], strict=True)]
        alternatives.append(and_(*equal, beyond))
    # The redundant first bound is what lets MySQL and SQLite start the scan at the cursor.
    first = columns[0] <= values[0] if descending else columns[0] >= values[0]
    return and_(first, or_(*alternatives))


def _encode(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


def _decode(cursor: str, columns: Sequence[Column]) -> list[Any]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
        if not isinstance(values, list) or len(values) != len(columns):
            raise ValueError("wrong length")
        return [_restore(value, column) for value, column in zip(values, columns, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise Invalid(
            "The cursor is not one that this list gave; start again without it.",
            [FieldError("cursor", "unknown cursor")],
        ) from error


def _restore(value: Any, column: Column) -> Any:
    expected = column.type.python_type
    if expected is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("a time needs its zone")
        return moment.astimezone(UTC)
    if expected is int and isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise ValueError("too large for a column")
    if expected is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, expected) or isinstance(value, bool) is not (expected is bool):
        raise ValueError(f"expected {expected.__name__}")
    return value
