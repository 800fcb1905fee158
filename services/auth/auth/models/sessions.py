"""Sessions: families of refresh tokens, of which only the newest is good."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from auth.models.schema import Base
from common.db import Id, new_id, utcnow


class UserSession(Base):
    """One login of one user; its id is the `sid` of its access tokens."""

    __tablename__ = "user_session"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(Id, ForeignKey("user.id", ondelete="CASCADE"), index=True)
    scope: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]

    def is_alive(self, now: datetime) -> bool:
        """Whether it may still be refreshed."""
        return self.revoked_at is None and self.expires_at > now


class RefreshToken(Base):
    """The SHA-256 of a refresh token: who steals the table cannot use it."""

    __tablename__ = "refresh_token"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(
        Id, ForeignKey("user_session.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    used_at: Mapped[datetime | None]
