"""Assets: one recording that somebody uploaded, and what was made of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from common.db import Id, new_id, utcnow
from media.models.schema import Base


class AssetState(StrEnum):
    """How far an asset has come."""

    RECEIVED = "received"
    DESCRIBED = "described"
    READY = "ready"
    FAILED = "failed"


class Rendition(Base):
    """One encoded version of an asset, in the folder of the asset's current attempt."""

    __tablename__ = "rendition"

    asset_id: Mapped[str] = mapped_column(
        Id, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    bitrate_kbps: Mapped[int]
    codec: Mapped[str] = mapped_column(String(20))
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class WaveformRow(Base):
    """The waveform of an asset: lowest and highest sample (-128..127) in turn, a byte each."""

    __tablename__ = "waveform"

    asset_id: Mapped[str] = mapped_column(
        Id, ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True
    )
    sample_rate: Mapped[int]
    samples_per_pixel: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Asset(Base):
    """A recording. The same bytes of the same owner are one asset."""

    __tablename__ = "asset"
    __table_args__ = (UniqueConstraint("owner_id", "sha256"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(Id)
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20), default=AssetState.RECEIVED)
    failure: Mapped[str | None] = mapped_column(String(500))
    version: Mapped[int] = mapped_column(BigInteger, default=0)
    run: Mapped[int] = mapped_column(default=1)
    """Counts how often processing began anew: jobs of one run are done once."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Counts transcodings; each writes to a folder of its own."""
    attempt: Mapped[int | None]
    """The transcoding whose folder is served."""
    codec: Mapped[str | None] = mapped_column(String(40))
    sample_rate: Mapped[int | None]
    channels: Mapped[int | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    tags: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    cover: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`sha256`, `width` and `height` of the JPEG under `images/<id>/<sha256>.jpg`."""
    loudness: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)

    renditions: Mapped[list[Rendition]] = relationship(
        order_by=Rendition.bitrate_kbps, cascade="all, delete-orphan", passive_deletes=True
    )

    @property
    def original_key(self) -> str:
        """Where the uploaded file is."""
        return original_key(self.id)

    @property
    def images_key(self) -> str:
        """The folder of its pictures."""
        return images_key(self.id)

    @property
    def renditions_key(self) -> str:
        """The folder of its attempts."""
        return renditions_key(self.id)

    @property
    def is_ready(self) -> bool:
        """Whether it can be streamed."""
        return self.state == AssetState.READY and self.attempt is not None

    def advance(self, state: AssetState, failure: str | None = None) -> None:
        """Move to a state; what others hold is now older."""
        self.state, self.failure = state, failure
        self.version += 1
        self.updated_at = utcnow()


def original_key(asset_id: str) -> str:
    """Return where storage has the file that an asset is made from."""
    return f"originals/{asset_id}"


def renditions_key(asset_id: str) -> str:
    """Return the folder of what storage has of an asset's attempts."""
    return f"renditions/{asset_id}"


def images_key(asset_id: str) -> str:
    """Return the folder of what storage has of an asset's pictures."""
    return f"images/{asset_id}"


def all_keys(asset_id: str) -> tuple[str, ...]:
    """Return under which keys storage has all files of an asset."""
    return original_key(asset_id), renditions_key(asset_id), images_key(asset_id)
