"""What media reads from the environment (table in the README)."""

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from common.settings import ServiceSettings, prefixed

_CLOUDINARY_URL = re.compile(r"cloudinary://[\w.~-]+:[\w.~-]+@[\w-]+([/?][!-~]*)?", re.ASCII)


class MediaSettings(ServiceSettings):
    """Settings of the media service."""

    model_config = prefixed("MEDIA_")

    storage: Literal["local", "cloudinary"] = Field("local", validation_alias="STORAGE")
    """Where files are kept."""
    cloudinary_url: SecretStr | None = Field(
        None, validation_alias="CLOUDINARY_URL", validate_default=True
    )
    storage_dir: Path
    """Folder of all files, which the gateway serves from; with Cloudinary of temporary ones."""
    url_secret: SecretStr = Field(min_length=16)
    """Signs media links; the same for all web processes."""
    url_ttl_seconds: int = Field(6 * 3600, ge=60, le=7 * 86400)
    """How long a media link is good."""
    max_upload_bytes: int = Field(500 * 1024 * 1024, ge=1)
    web_threads: int = Field(8, ge=1, validation_alias="WEB_THREADS")
    """Threads of a web process; three of them are kept free of uploads."""
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

    @field_validator("cloudinary_url")
    @classmethod
    def _name_an_account(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if info.data.get("storage") != "cloudinary":
            return None  # set for something else
        form = "cloudinary://<api_key>:<api_secret>@<cloud_name>, as Cloudinary's console shows it"
        if value is None:
            raise ValueError(f"STORAGE=cloudinary needs it: {form}.")
        if not _CLOUDINARY_URL.fullmatch(value.get_secret_value()):
            raise ValueError(f"It is not {form}.")
        return value
