"""Read models of catalog's tracks, artists and albums, kept by its events."""

from typing import Any, ClassVar, TypedDict

from sqlalchemy import JSON, BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Id
from common.events import Projection
from playlist.models.schema import Base


class Credit(TypedDict):
    """Who did what on a track."""

    artist_id: str
    role: str


class Track(Projection, Base):
    """A track as catalog last told of it; artists are ids, so that a rename is one event."""

    __tablename__ = "track"
    NOTHING: ClassVar[dict[str, Any]] = {
        "owner_id": "",
        "title": "",
        "album_id": None,
        "credits": [],
        "duration_ms": None,
        "state": "deleted",
    }
    """What a tombstone holds."""

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[str] = mapped_column(Id, index=True)
    title: Mapped[str] = mapped_column(String(500))
    album_id: Mapped[str | None] = mapped_column(Id)
    credits: Mapped[list[Credit]] = mapped_column(JSON)
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(20))


class Artist(Projection, Base):
    """An artist's name."""

    __tablename__ = "artist"
    NOTHING: ClassVar[dict[str, Any]] = {"owner_id": None, "name": ""}
    """What a tombstone holds."""

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[str | None] = mapped_column(Id, index=True)
    name: Mapped[str] = mapped_column(String(500))


class Album(Projection, Base):
    """An album's title."""

    __tablename__ = "album"
    NOTHING: ClassVar[dict[str, Any]] = {"owner_id": None, "title": ""}
    """What a tombstone holds."""

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[str | None] = mapped_column(Id, index=True)
    title: Mapped[str] = mapped_column(String(500))
