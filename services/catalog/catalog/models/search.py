"""The words that search looks in: a row for each published artist, album and track.

Migrations put a full-text index over it: FTS5 on SQLite, FULLTEXT on MySQL and MariaDB.
"""

from collections.abc import Iterable

from sqlalchemy import Integer, String, Text, UniqueConstraint
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.schema import Base
from common.db import Id

Word = String(64).with_variant(mysql.VARCHAR(64, collation="utf8mb4_bin"), "mysql", "mariadb")

# MySQL's FULLTEXT leaves out words of one or two characters and common ones such as "the": with
# this before each word none is short and none is common.
_MARK = "zz"


class SearchDocument(Base):
    """Folded words of one subject; `title` weighs more than `artist`, and that than `album`."""

    __tablename__ = "search_document"
    __table_args__ = (UniqueConstraint("subject_id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(10))
    subject_id: Mapped[str] = mapped_column(Id)
    title: Mapped[str] = mapped_column(Text)
    artist: Mapped[str] = mapped_column(Text)
    album: Mapped[str] = mapped_column(Text)


class SearchWord(Base):
    """A word that documents have or had: what a misspelled query is corrected to."""

    __tablename__ = "search_word"

    word: Mapped[str] = mapped_column(Word, primary_key=True)
    backwards: Mapped[str] = mapped_column(Word, index=True)


def mark(words: Iterable[str]) -> list[str]:
    """Return words as they are stored in documents and looked up in the index."""
    return [_MARK + word for word in words]


def unmark(word: str) -> str:
    """Return a stored word as people type it."""
    return word.removeprefix(_MARK)
