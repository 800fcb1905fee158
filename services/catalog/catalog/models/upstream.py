"""What catalog remembers of other services' subjects."""

from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.schema import Base
from common.db import Id
from common.events import Projection


class Asset(Projection, Base):
    """The newest state of a media asset that was applied here."""

    __tablename__ = "asset"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[str] = mapped_column(Id, index=True)
    track_deleted: Mapped[bool] = mapped_column(default=False)
    """Its owner deleted the track: later news of the asset must not bring it back."""
