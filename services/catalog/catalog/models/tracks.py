"""Tracks, who plays on them, and what they are like."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from catalog.models.albums import Album
from catalog.models.artists import Artist
from catalog.models.folding import name_key
from catalog.models.schema import TEXT_LENGTH, Base, Key, Subject
from common.db import Id, LongText, utcnow

_TRACKS_A_DISC = 10_000


class TrackState(StrEnum):
    """Who may see a track: a draft and a hidden one only its owner and administrators."""

    DRAFT = "draft"
    PUBLISHED = "published"
    HIDDEN = "hidden"


class Role(StrEnum):
    """What an artist did on a track."""

    PRIMARY = "primary"
    FEATURED = "featured"
    REMIXER = "remixer"
    COMPOSER = "composer"
    PRODUCER = "producer"


class Credit(Base):
    """One artist's part in one track."""

    __tablename__ = "credit"
    __table_args__ = (UniqueConstraint("track_id", "artist_id", "role"),)

    track_id: Mapped[str] = mapped_column(
        Id, ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    artist_id: Mapped[str] = mapped_column(Id, ForeignKey("artist.id"), index=True)
    role: Mapped[Role] = mapped_column(String(20))

    artist: Mapped[Artist] = relationship()


class Track(Subject, Base):
    """A recording as listeners see it; the audio is media's asset `asset_id`."""

    __tablename__ = "track"
    __table_args__ = (
        Index("ix_track_state_title_key_id", "state", "title_key", "id"),
        Index("ix_track_state_id", "state", "id"),
        Index("ix_track_state_published_at_id", "state", "published_at", "id"),
        Index("ix_track_owner_id_id", "owner_id", "id"),
        Index("ix_track_owner_id_title_key_id", "owner_id", "title_key", "id"),
        Index("ix_track_owner_id_state_title_key_id", "owner_id", "state", "title_key", "id"),
        Index("ix_track_album_id_album_position", "album_id", "album_position"),
    )

    asset_id: Mapped[str | None] = mapped_column(Id, unique=True)
    state: Mapped[TrackState] = mapped_column(String(10), default=TrackState.DRAFT)
    title: Mapped[str] = mapped_column(String(TEXT_LENGTH))
    title_key: Mapped[str] = mapped_column(Key)
    album_id: Mapped[str | None] = mapped_column(Id, ForeignKey("album.id"))
    track_number: Mapped[int | None]
    disc_number: Mapped[int | None]
    album_position: Mapped[int] = mapped_column(default=0)
    """Disc and track number in one, so that an album's order is one indexed column."""
    genres: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Names in order, ready to show; `track_genre` is what filters use."""
    has_audio: Mapped[bool] = mapped_column(default=False)
    """Whether its audio is ready to play: only then it may be published."""
    duration_ms: Mapped[int | None]
    integrated_lufs: Mapped[float | None] = mapped_column(Float(53))
    true_peak_dbtp: Mapped[float | None] = mapped_column(Float(53))
    range_lu: Mapped[float | None] = mapped_column(Float(53))
    downloadable: Mapped[bool] = mapped_column(default=False)
    cover_url: Mapped[str | None] = mapped_column(String(500))
    has_lyrics: Mapped[bool] = mapped_column(default=False)
    failure: Mapped[str | None] = mapped_column(String(1000))
    """Why its audio could not be prepared."""

    album: Mapped[Album | None] = relationship()
    credits: Mapped[list[Credit]] = relationship(
        order_by=Credit.position, cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def is_published(self) -> bool:
        """Whether everybody who may read the catalog sees it."""
        return self.state == TrackState.PUBLISHED

    def retitle(self, title: str) -> None:
        """Take a new title and the key that goes with it."""
        self.title = title
        self.title_key = name_key(title)

    def place(self, disc_number: int | None, track_number: int | None) -> None:
        """Set where on its album it is."""
        self.disc_number, self.track_number = disc_number, track_number
        self.album_position = (disc_number or 1) * _TRACKS_A_DISC + (track_number or 0)

    def publish(self) -> None:
        """Show it to everybody; the first time counts as its date."""
        self.state = TrackState.PUBLISHED
        self.published_at = self.published_at or utcnow()


class Lyrics(Base):
    """The words of a track; `synced` is LRC, each line with its time."""

    __tablename__ = "lyrics"

    track_id: Mapped[str] = mapped_column(
        Id, ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    plain: Mapped[str] = mapped_column(LongText)
    synced: Mapped[str | None] = mapped_column(LongText)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
