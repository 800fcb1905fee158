"""The declarative base of catalog's schema and the columns that subjects share."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from common.db import TYPES, Id, new_id, new_metadata, utcnow

TEXT_LENGTH = 500
"""The longest name or title, in characters."""

Key = String(TEXT_LENGTH).with_variant(
    mysql.VARCHAR(TEXT_LENGTH, collation="utf8mb4_bin"), "mysql", "mariadb"
)
"""A folded name: compared byte for byte, because Python did the folding."""


class Base(DeclarativeBase):
    """Base of every row of catalog."""

    metadata = new_metadata()
    type_annotation_map = TYPES


class Subject:
    """Columns of what events tell of: an owner and a version that counts the changes."""

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(Id)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    published_at: Mapped[datetime | None]
    """Since when others may see it; NULL is for the owner's eyes only."""
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def is_published(self) -> bool:
        """Whether everybody who may read the catalog sees it."""
        return self.published_at is not None

    def change(self) -> None:
        """Count a change: what others hold is now older."""
        self.version += 1
        self.updated_at = utcnow()
