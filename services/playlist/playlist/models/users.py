"""Users whose data was erased."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from common.db import Id
from playlist.models.schema import Base


class ErasedUser(Base):
    """A user erased a short while ago, whose last requests may still be under way."""

    __tablename__ = "erased_user"

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    erased_at: Mapped[datetime]
