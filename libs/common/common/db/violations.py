"""What a constraint that refuses a row means: a race, or a mistake of ours.

Codes are those of SQLite's result codes and of MySQL's and MariaDB's error references.
"""

import sqlite3

from sqlalchemy.exc import DBAPIError

from common.db.failover import error_code

_SQLITE_RACES = frozenset(
    {
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
        sqlite3.SQLITE_CONSTRAINT_ROWID,
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
    }
)
_MYSQL_RACES = frozenset(
    {
        1062,  # duplicate entry
        1586,  # duplicate entry, with the key's name
        1451,  # cannot delete or update a row that others refer to
        1452,  # the row that this one refers to is not there
    }
)
_MYSQL_REFUSALS = frozenset(
    {
        1644,  # a trigger's SIGNAL
        3819,  # a CHECK (MySQL)
        4025,  # a CHECK (MariaDB)
    }
)


def is_race(error: DBAPIError) -> bool:
    """Whether somebody made the same row, or removed one that this refers to, at the same time.

    Who looks before writing meets a duplicate or a missing row in no other way.
    """
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode in _SQLITE_RACES
    return error_code(cause) in _MYSQL_RACES


def is_refusal(error: DBAPIError) -> bool:
    """Whether a CHECK or a trigger refused, which PyMySQL reports like a lost connection."""
    return error_code(error.orig) in _MYSQL_REFUSALS
