"""Uploads: how far what somebody sent has come on its way to being a track."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from common.db import Id, new_id, utcnow
from media.models.assets import Asset
from media.models.schema import Base


class UploadStatus(StrEnum):
    """The last finished stage, or `failed`."""

    RECEIVED = "received"
    DESCRIBED = "described"
    TRANSCODED = "transcoded"
    PUBLISHED = "published"
    FAILED = "failed"


class Upload(Base):
    """One upload with the time of each stage."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_owner_id_id", "owner_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(Id)
    asset_id: Mapped[str] = mapped_column(
        Id, ForeignKey("asset.id", ondelete="CASCADE"), unique=True
    )
    filename: Mapped[str | None] = mapped_column(String(255))
    """For display only; never part of a path."""
    given: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The uploader's metadata, which wins over the file's tags."""
    status: Mapped[str] = mapped_column(String(20), default=UploadStatus.RECEIVED)
    failure: Mapped[str | None] = mapped_column(String(500))
    track_id: Mapped[str | None] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(default=utcnow)
    described_at: Mapped[datetime | None]
    transcoded_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]

    asset: Mapped[Asset] = relationship(lazy="joined", innerjoin=True)

    @property
    def stages(self) -> dict[str, datetime]:
        """The stages that are finished, in order, with their times."""
        times = {status: getattr(self, f"{status}_at") for status in UploadStatus}
        return {str(status): at for status, at in times.items() if at is not None}

    def finish(self, stage: UploadStatus, failure: str | None = None) -> None:
        """Note that a stage is finished, now."""
        self.status, self.failure = stage, failure
        self.failed_at = None
        setattr(self, f"{stage}_at", utcnow())

    def restart(self) -> None:
        """Begin anew after a failure."""
        for stage in UploadStatus:
            if stage != UploadStatus.RECEIVED:
                setattr(self, f"{stage}_at", None)
        self.finish(UploadStatus.RECEIVED)
