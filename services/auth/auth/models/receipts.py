"""Proof that services erased a deleted user's data."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from auth.models.schema import Base
from common.db import Id


class ErasureReceipt(Base):
    """One service's word that nothing of the user remains there."""

    __tablename__ = "erasure_receipt"

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    service: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Of the event that it came with; the service's newest word counts."""
    rows: Mapped[int]
    erased_at: Mapped[datetime]
