"""The rows of media's schema."""

from media.models.assets import (
    Asset,
    AssetState,
    Rendition,
    WaveformRow,
    all_keys,
    original_key,
)
from media.models.schema import Base
from media.models.tracks import Track
from media.models.uploads import Upload, UploadStatus

__all__ = [
    "Asset",
    "AssetState",
    "Base",
    "Rendition",
    "Track",
    "Upload",
    "UploadStatus",
    "WaveformRow",
    "all_keys",
    "original_key",
]
