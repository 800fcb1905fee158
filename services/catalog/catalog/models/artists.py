"""Artists: one per owner and name."""

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from catalog.models.folding import name_key
from catalog.models.schema import TEXT_LENGTH, Base, Key, Subject


class Artist(Subject, Base):
    """A person or group that tracks are credited to. One owner's "Queen" is not another's."""

    __tablename__ = "artist"
    __table_args__ = (
        UniqueConstraint("owner_id", "name_key"),
        Index("ix_artist_name_key_id", "name_key", "id"),
    )

    name: Mapped[str] = mapped_column(String(TEXT_LENGTH))
    name_key: Mapped[str] = mapped_column(Key)
    image_url: Mapped[str | None] = mapped_column(String(500))
    implicit: Mapped[bool] = mapped_column(default=False)
    """Made because a track named it: it goes when its last track goes."""

    def rename(self, name: str) -> None:
        """Take a new name and the key that goes with it."""
        self.name = name
        self.name_key = name_key(name)
