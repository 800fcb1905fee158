"""The log of what was published, updated and deleted."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.schema import Base
from common.db import Id, utcnow


class Change(Base):
    """One change of one subject, in the order of the log."""

    __tablename__ = "change"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    kind: Mapped[str] = mapped_column(String(10))
    """artist, album or track"""
    subject_id: Mapped[str] = mapped_column(Id)
    action: Mapped[str] = mapped_column(String(10))
    """published, updated or deleted"""
    version: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(default=utcnow)
