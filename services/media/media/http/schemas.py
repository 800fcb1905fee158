"""Bodies of media's requests and responses."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from common.web import PageQuery, Schema
from media.tags import Tags


class UploadMetadata(Tags):
    """What the uploader says of the recording; it wins over the tags in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class UploadOut(Schema):
    """An upload and how far it has come."""

    id: str
    status: str = Field(description="The last finished stage, or `failed`.")
    asset_id: str
    track_id: str | None
    failure: str | None = Field(description="Why it failed.")
    filename: str | None
    size_bytes: int
    sha256: str
    media_type: str
    stages: dict[str, datetime] = Field(description="When each stage was finished.")


class UploadPath(Schema):
    """The upload a path names."""

    upload_id: UUID


class UploadsQuery(PageQuery):
    """The query parameters of the list of uploads."""

    sha256: str | None = Field(
        None, pattern=r"^[0-9A-Fa-f]{64}$", description="Only the upload of exactly these bytes."
    )


class UploadPage(Schema):
    """A page of uploads, newest first."""

    items: list[UploadOut]
    next_cursor: str | None


class AssetPath(Schema):
    """The asset a path names."""

    asset_id: UUID


class LoudnessOut(Schema):
    """EBU R128 figures."""

    integrated_lufs: float
    true_peak_dbtp: float
    range_lu: float


class CoverOut(Schema):
    """A cover in the file, as JPEG."""

    url: str
    width: int
    height: int
    media_type: str = "image/jpeg"


class RenditionOut(Schema):
    """One encoded version."""

    bitrate_kbps: int
    codec: str
    size_bytes: int


class AssetOut(Schema):
    """Everything known of a recording."""

    id: str
    owner_id: str
    state: str
    failure: str | None
    sha256: str
    size_bytes: int
    media_type: str
    codec: str | None
    sample_rate: int | None
    channels: int | None
    duration_ms: int | None
    tags: dict[str, Any] | None
    cover: CoverOut | None
    loudness: LoudnessOut | None
    renditions: list[RenditionOut]
    created_at: datetime
    updated_at: datetime


class WaveformOut(Schema):
    """A waveform in the JSON format of audiowaveform, version 2."""

    version: int = 2
    channels: int = 1
    sample_rate: int
    samples_per_pixel: int
    bits: int = 8
    length: int
    data: list[int] = Field(description="Lowest and highest sample of each stretch, in turn.")


class TrackPath(Schema):
    """The track a path names."""

    track_id: UUID


class ProgressiveOut(Schema):
    """A rendition as one plain file (`audio/mp4`)."""

    bitrate_kbps: int
    codec: str
    url: str


class PlaybackOut(Schema):
    """Links that play a track; they need no header and end at `expires_at`."""

    hls_url: str
    progressive: list[ProgressiveOut]
    download_url: str | None
    loudness: LoudnessOut | None
    duration_ms: int | None
    expires_at: datetime


class FilePath(Schema):
    """A file behind a signed token."""

    token: str = Field(max_length=300)
    name: str = Field(max_length=40)


class ImagePath(Schema):
    """A public picture, named by its content."""

    asset_id: UUID
    sha256: str = Field(max_length=64)
