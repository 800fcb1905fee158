"""What media reads from the environment (table in the README)."""

import os
from pathlib import Path

from pydantic import Field, SecretStr

from common.settings import ServiceSettings, prefixed


class MediaSettings(ServiceSettings):
    """Settings of the media service."""

    model_config = prefixed("MEDIA_")

    storage_dir: Path
    """Folder of all files; the gateway serves from it."""
    url_secret: SecretStr = Field(min_length=16)
    """Signs media links; the same for all web processes."""
    url_ttl_seconds: int = Field(6 * 3600, ge=60, le=7 * 86400)
    """How long a media link is good."""
    max_upload_bytes: int = Field(500 * 1024 * 1024, ge=1)
    max_duration_seconds: int = Field(12 * 3600, ge=1)
    """Longer recordings are refused: a small file may decode to days of silence."""
    ffmpeg: str | None = None
    """The ffmpeg to run; without it PATH's, else imageio-ffmpeg's."""
    ffmpeg_threads: int = Field(1, ge=1)
    """Threads of one ffmpeg for decoding and filters; its encoders have one each."""
    ffmpeg_timeout_seconds: float = Field(3600, gt=0)
    ffmpeg_memory_bytes: int = Field(2 << 30, ge=1 << 30)
    """Address space of one ffmpeg (Linux only)."""
    job_concurrency: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Jobs at a time in one `media.jobs` process."""
    job_lease_seconds: float = Field(30, ge=1)
    """How long a job belongs to a worker that has fallen silent."""
    job_grace_seconds: float = Field(10, ge=0)
    """How long running jobs may go on after SIGTERM before they are put back."""
