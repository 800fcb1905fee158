"""What catalog remembers of other services' subjects."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.schema import Base
from common.db import Id, utcnow
from common.events import Projection


class Asset(Projection, Base):
    """The newest state of a media asset that was applied here."""

    __tablename__ = "asset"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[str] = mapped_column(Id, index=True)
    track_deleted: Mapped[bool] = mapped_column(default=False)
    """Its owner deleted the track: later news of the asset must not bring it back."""


class ErasedUser(Base):
    """A user whose data was erased: late events must not bring any of it back."""

    __tablename__ = "erased_user"

    user_id: Mapped[str] = mapped_column(Id, primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(default=utcnow)
