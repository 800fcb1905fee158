"""How often tracks are played; nothing here says by whom."""

from datetime import date

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.schema import Base
from common.db import Id


class PlayCount(Base):
    """All plays of a track that counted."""

    __tablename__ = "play_count"
    __table_args__ = (Index("ix_play_count_total_track_id", "total", "track_id"),)

    track_id: Mapped[str] = mapped_column(
        Id, ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    total: Mapped[int] = mapped_column(default=0)


class PlayDay(Base):
    """The plays of a track on one day (UTC)."""

    __tablename__ = "play_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    track_id: Mapped[str] = mapped_column(
        Id, ForeignKey("track.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    total: Mapped[int] = mapped_column(default=0)
