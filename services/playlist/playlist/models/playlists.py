"""Playlists and their entries."""

from collections.abc import Set
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Id, new_id, utcnow
from common.errors import Conflict, FieldError, Invalid, PreconditionFailed
from playlist.models.schema import Base

MAX_ENTRIES = 10_000


class Visibility(StrEnum):
    """Who may read a playlist: its owner, whoever has its id, everybody."""

    PRIVATE = "private"
    UNLISTED = "unlisted"
    PUBLIC = "public"


class Playlist(Base):
    """An ordered list of tracks; lock its row before changing it or its entries."""

    __tablename__ = "playlist"
    __table_args__ = (Index("ix_playlist_owner_id_id", "owner_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000), default="")
    visibility: Mapped[str] = mapped_column(String(10), default=Visibility.PRIVATE)
    entry_count: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def is_open(self) -> bool:
        """Whether others than the owner may read it."""
        return self.visibility != Visibility.PRIVATE

    def expect(self, versions: Set[int] | None) -> None:
        """Raise PreconditionFailed unless the version is one of these; None expects nothing."""
        if versions is not None and self.version not in versions:
            raise PreconditionFailed("The playlist has changed since you read it; read it again.")

    def change(self, *, added: int = 0) -> None:
        """Count a change that `added` entries, or removed some if negative."""
        self.entry_count += added
        self.version += 1
        self.updated_at = utcnow()

    def check_room(self, count: int) -> None:
        """Raise Conflict when `count` more entries are too many."""
        if self.entry_count + count > MAX_ENTRIES:
            raise Conflict(
                f"A playlist holds at most {MAX_ENTRIES} entries; this one has "
                f"{self.entry_count} and would get {count} more."
            )


def check_position(position: int, last: int) -> None:
    """Raise Invalid for a position beyond the `last` one (from 0)."""
    if position > last:
        raise Invalid(
            "The position is past the end of the playlist.",
            [FieldError("position", f"must be at most {last}")],
        )


class Entry(Base):
    """One place on a playlist; the same track may have several."""

    __tablename__ = "playlist_entry"
    # The lock on the playlist keeps keys apart; the constraint proves it.
    __table_args__ = (UniqueConstraint("playlist_id", "sort_key"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    playlist_id: Mapped[str] = mapped_column(Id, ForeignKey("playlist.id", ondelete="CASCADE"))
    track_id: Mapped[str] = mapped_column(Id)
    sort_key: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[datetime] = mapped_column(default=utcnow)
