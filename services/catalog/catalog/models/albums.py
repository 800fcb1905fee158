"""Albums: one per owner, title and artist."""

from datetime import date

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from catalog.models.artists import Artist
from catalog.models.folding import name_key
from catalog.models.schema import TEXT_LENGTH, Base, Key, Subject
from common.db import Id


class Album(Subject, Base):
    """A release by one artist ("Various Artists" is one, too)."""

    __tablename__ = "album"
    __table_args__ = (
        UniqueConstraint("owner_id", "title_key", "artist_id"),
        Index("ix_album_title_key_id", "title_key", "id"),
    )

    title: Mapped[str] = mapped_column(String(TEXT_LENGTH))
    title_key: Mapped[str] = mapped_column(Key)
    artist_id: Mapped[str] = mapped_column(Id, ForeignKey("artist.id"), index=True)
    release_date: Mapped[date | None]
    """The first of January where only the year is known."""
    cover_url: Mapped[str | None] = mapped_column(String(500))
    implicit: Mapped[bool] = mapped_column(default=False)
    """Made because a track named it: it goes when its last track goes."""

    artist: Mapped[Artist] = relationship()

    def retitle(self, title: str) -> None:
        """Take a new title and the key that goes with it."""
        self.title = title
        self.title_key = name_key(title)
