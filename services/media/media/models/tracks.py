"""What media knows of the catalog's tracks."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from common.db import Id
from common.events import Projection
from media.models.schema import Base


class Track(Projection, Base):
    """The read model of a track: which asset, whose, who may hear it."""

    __tablename__ = "track"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    asset_id: Mapped[str | None] = mapped_column(Id, index=True)
    owner_id: Mapped[str | None] = mapped_column(Id, index=True)
    state: Mapped[str] = mapped_column(String(20), default="draft")
    downloadable: Mapped[bool] = mapped_column(default=False)

    @property
    def is_published(self) -> bool:
        """Whether everybody may hear it."""
        return self.state == "published" and not self.deleted
