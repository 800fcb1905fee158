"""What a listener saved and heard."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Id, new_id, utcnow
from playlist.models.schema import Base

_COUNTS_FROM_MS = 30_000


class SavedTrack(Base):
    """A user's like; one taken back stays as a row, so that its versions go on."""

    __tablename__ = "saved_track"
    __table_args__ = (Index("ix_saved_track_listing", "user_id", "saved", "saved_at", "track_id"),)

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    track_id: Mapped[str] = mapped_column(Id, primary_key=True)
    saved: Mapped[bool] = mapped_column(default=False)
    saved_at: Mapped[datetime] = mapped_column(default=utcnow)
    """When it was saved or taken back last."""
    version: Mapped[int] = mapped_column(BigInteger, default=0)

    def turn(self, *, saved: bool) -> bool:
        """Save or take back; say whether that changed anything."""
        if self.saved == saved:
            return False
        self.saved = saved
        self.saved_at = utcnow()
        self.version += 1
        return True


class Play(Base):
    """One listen of one user, under an id that the client may choose."""

    __tablename__ = "play"
    __table_args__ = (Index("ix_play_user_id_played_at_id", "user_id", "played_at", "id"),)

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    track_id: Mapped[str] = mapped_column(Id)
    played_ms: Mapped[int] = mapped_column(BigInteger)
    played_at: Mapped[datetime]
    counted: Mapped[bool]

    @staticmethod
    def counts(played_ms: int, duration_ms: int | None) -> bool:
        """Whether a listen is long enough to count: 30 s, or half of a track."""
        if played_ms >= _COUNTS_FROM_MS:
            return True
        return bool(duration_ms) and played_ms * 2 >= (duration_ms or 0)
