"""Rows that two requests may want to make at the same time."""

from typing import TypeVar

from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from playlist.models import Base

Model = TypeVar("Model", bound=Base)


def insert_once(session: Session, row: Model) -> tuple[Model, bool]:
    """Insert `row`, or return the one that has its key, locked; say whether it was new.

    Whoever is second sees the first one's row instead of an error.
    """
    key = tuple(inspect(type(row)).primary_key_from_instance(row))
    known = session.get(type(row), key, with_for_update=True)
    if known is not None:
        return known, False
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return session.get_one(type(row), key, with_for_update=True), False
    return row, True
