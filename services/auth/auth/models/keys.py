"""Keys that sign access tokens."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from auth.models.schema import Base
from common.db import LongText, utcnow


class SigningKey(Base):
    """An ES256 key pair. The newest signs; older ones verify until the last token has expired."""

    __tablename__ = "signing_key"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The key's JWK thumbprint (RFC 7638)."""
    private_pem: Mapped[str] = mapped_column(LongText)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    retired_at: Mapped[datetime | None]
