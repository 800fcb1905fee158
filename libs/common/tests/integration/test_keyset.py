import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from common.db import TYPES, Database, Id, new_id, page
from common.errors import Invalid
from common.testing.schemas import MakeSchema


def _cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


class Base(DeclarativeBase):
    type_annotation_map = TYPES


class Item(Base):
    __tablename__ = "item"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    rank: Mapped[int]
    at: Mapped[datetime]


@pytest.fixture
def database(make_schema: MakeSchema) -> Database:
    database = Database(make_schema(tables=Base.metadata))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with database.transaction() as session:
        # Every rank and time stands for several rows: ties are what keysets get wrong.
        session.add_all(
            Item(rank=i % 7, at=start + timedelta(seconds=i % 5, microseconds=1))
            for i in range(103)
        )
    return database


def _walk(session: Session, *, descending: bool, limit: int = 10) -> list[Item]:
    found: list[Item] = []
    cursor = None
    while True:
        got = page(
            session,
            select(Item),
            order_by=[Item.rank, Item.at, Item.id],
            limit=limit,
            cursor=cursor,
            descending=descending,
        )
        found += got.rows
        assert len(got.rows) <= limit
        cursor = got.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("descending", [False, True])
def test_pages_join_to_the_whole_list(database: Database, descending: bool) -> None:
    with database.reading() as session:
        walked = _walk(session, descending=descending)
        everything = session.scalars(select(Item)).all()
    expected = sorted(everything, key=lambda i: (i.rank, i.at, i.id), reverse=descending)
    assert [item.id for item in walked] == [item.id for item in expected]


def test_a_row_inserted_before_the_cursor_shifts_nothing(database: Database) -> None:
    with database.transaction() as session:
        first = page(session, select(Item), order_by=[Item.id], limit=5, cursor=None)
        session.add(Item(id="0", rank=0, at=datetime.now(UTC)))
        session.flush()
        second = page(session, select(Item), order_by=[Item.id], limit=5, cursor=first.next_cursor)
    assert {i.id for i in first.rows} & {i.id for i in second.rows} == set()
    assert "0" not in {i.id for i in second.rows}


def test_rows_of_several_columns_stay_rows(database: Database) -> None:
    with database.reading() as session:
        got = page(session, select(Item.id, Item.rank), order_by=[Item.id], limit=3, cursor=None)
    assert [row.rank for row in got.rows] == [0, 1, 2]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "!!!",
        "bnVsbA",
        "W10",
        "WzEsMiwzXQ",
        "WyJhIl0é",
        _cursor(1, "2026-01-01T00:00:00", "x"),  # no zone
        _cursor(1, "0001-01-01T00:00:00+23:59", "x"),  # before the first year in UTC
        _cursor(2**64, "2026-01-01T00:00:00Z", "x"),
        _cursor(True, "2026-01-01T00:00:00Z", "x"),
    ],
)
def test_a_foreign_cursor_is_refused(database: Database, cursor: str) -> None:
    order = [Item.rank, Item.at, Item.id]
    with database.reading() as session, pytest.raises(Invalid):
        page(session, select(Item), order_by=order, limit=3, cursor=cursor)
