"""Finding what remains of a deleted user: in any column of any table, and among the files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Row, select
from tests.faults.suite.harness import SERVICES, Suite

ALLOWED = {
    ("catalog", "erased_user"): "late events of the user must not bring data back",
    ("playlist", "erased_user"): "likewise",
    ("media", "erased_user"): "likewise",
    ("auth", "revocation"): "tokens of the user are void until the last one has expired",
    ("catalog", "revocation"): "likewise",
    ("playlist", "revocation"): "likewise",
    ("media", "revocation"): "likewise",
    ("auth", "erasure_receipt"): "the proof that the others erased everything",
}
"""Tables whose rows may have the id of a user who is gone, and why."""
ALLOWED_WORDS = {
    ("catalog", "search_word"): "single words that correct spelling, tied to nobody",
    ("catalog", "search_index_data"): "FTS5's own; words of deleted rows go when it merges them",
}
"""Tables whose rows may have a word out of a name, and why."""
ALLOWED_EVENTS = {
    "auth.user.deleted.v1": "the deletion itself: it must reach everybody",
    "auth.session.revoked.v1": "part of it: the logins that it ended",
    "auth.user.registered.v1": "the id, roles and times, for readers outside",
    "catalog.user_data.erased.v1": "a receipt",
    "playlist.user_data.erased.v1": "a receipt",
    "media.user_data.erased.v1": "a receipt",
    "catalog.track.deleted.v1": "ids only: the end of what was the user's",
    "catalog.album.deleted.v1": "likewise",
    "catalog.artist.deleted.v1": "likewise",
    "playlist.playlist.deleted.v1": "likewise",
    "media.asset.deleted.v1": "likewise",
}
"""Types of events that may have it, in `outbox` and `inbox`, and why."""


def rows_naming(suite: Suite, ids: set[str], names: set[str]) -> list[str]:
    """Return rows, of all tables of all services, with any of the names, or of the ids.

    An id may be in the rows that are allowed above, a name nowhere else than among words.
    """
    return [
        f"{service}.{table}: {tuple(row)}"
        for service in SERVICES
        for table, row in _rows(suite, service)
        if (_has(row, names) and (service, table) not in ALLOWED_WORDS)
        or (_has(row, ids) and not _is_allowed(service, table, row))
    ]


def files_of_others(storage: Path, assets: set[str]) -> list[str]:
    """Return files and folders that belong to none of the assets."""
    found = [path for folder in storage.iterdir() for path in folder.iterdir()]
    return [str(path.relative_to(storage)) for path in found if path.name not in assets]


def _rows(suite: Suite, service: str) -> Iterator[tuple[str, Row[Any]]]:
    database, tables = suite.database(service), MetaData()
    tables.reflect(database.engine)
    with database.reading() as session:
        for name, table in tables.tables.items():
            for row in session.execute(select(table)):
                yield name, row


def _has(row: Row[Any], words: set[str]) -> bool:
    text = str(tuple(row))
    return any(word in text for word in words)


def _is_allowed(service: str, table: str, row: Row[Any]) -> bool:
    if table in ("outbox", "inbox"):
        return row.type in ALLOWED_EVENTS
    return (service, table) in ALLOWED
