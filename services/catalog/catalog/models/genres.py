"""Genres: a vocabulary that all owners share."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.schema import Base, Key
from common.db import Id, new_id


class Genre(Base):
    """A kind of music, known by its folded name."""

    __tablename__ = "genre"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100))
    name_key: Mapped[str] = mapped_column(Key, unique=True)


class TrackGenre(Base):
    """A track is of a genre."""

    __tablename__ = "track_genre"
    __table_args__ = (Index("ix_track_genre_genre_id_published", "genre_id", "published"),)

    track_id: Mapped[str] = mapped_column(
        Id, ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    genre_id: Mapped[str] = mapped_column(Id, ForeignKey("genre.id"), primary_key=True)
    published: Mapped[bool] = mapped_column(default=False)
    """The track is: kept here, so that genres are counted from an index alone."""
