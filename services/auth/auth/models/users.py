"""Users and what their roles allow."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from auth.models.schema import Base
from common.db import Id, new_id, utcnow


class Role(StrEnum):
    """What a person is to Antiphon; each role includes the one before."""

    LISTENER = "listener"
    ARTIST = "artist"
    ADMIN = "admin"


_LISTENER_SCOPES = frozenset(
    {
        "catalog:read",
        "library:read",
        "library:write",
        "playback:read",
        "playlist:read",
        "playlist:write",
        "profile:read",
        "profile:write",
    }
)
_ARTIST_SCOPES = frozenset({"catalog:write", "uploads:read", "uploads:write"})

SCOPES: dict[Role, frozenset[str]] = {
    Role.LISTENER: _LISTENER_SCOPES,
    Role.ARTIST: _LISTENER_SCOPES | _ARTIST_SCOPES,
    Role.ADMIN: _LISTENER_SCOPES | _ARTIST_SCOPES | {"admin"},
}


class User(Base):
    """A person with an account. Keys are casefolded, so that "Ann" and "ann" are one name."""

    __tablename__ = "user"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), unique=True)
    username: Mapped[str] = mapped_column(String(40))
    username_key: Mapped[str] = mapped_column(String(80), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(255))
    role_names: Mapped[str] = mapped_column(String(60))
    enabled: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(BigInteger, default=1)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def roles(self) -> list[Role]:
        """The user's roles, lowest first."""
        return [Role(name) for name in self.role_names.split()]

    @property
    def scopes(self) -> frozenset[str]:
        """Every scope that the user's roles allow."""
        return frozenset().union(*(SCOPES[role] for role in self.roles))

    def change(self) -> None:
        """Count a change: what others hold is now older."""
        self.version += 1
        self.updated_at = utcnow()

    @staticmethod
    def key(name: str) -> str:
        """Return the form in which names and addresses are compared."""
        return name.strip().casefold()
