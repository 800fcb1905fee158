"""Sessions: families of refresh tokens, of which only the newest is good."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from auth.models.schema import Base
from common.db import Id, new_id, utcnow


class UserSession(Base):
    """One login of one user; its id is the `sid` of its access tokens."""

    __tablename__ = "user_session"
    # What a user has at the moment is to be found among much that has ended.
    __table_args__ = (
        Index("ix_user_session_user_id_revoked_at_id", "user_id", "revoked_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("user.id", ondelete="CASCADE"))
    scope: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """When it ends, or ended if it was revoked: a week later it is forgotten."""
    revoked_at: Mapped[datetime | None]

    def is_alive(self, now: datetime) -> bool:
        """Whether it may still be refreshed."""
        return self.revoked_at is None and self.expires_at > now

    def end(self, now: datetime) -> None:
        """Revoke it."""
        self.revoked_at = self.expires_at = now


class RefreshToken(Base):
    """The SHA-256 of a refresh token: who steals the table cannot use it."""

    __tablename__ = "refresh_token"
    __table_args__ = (Index("ix_refresh_token_session_id_created_at", "session_id", "created_at"),)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(Id, ForeignKey("user_session.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    used_at: Mapped[datetime | None]
