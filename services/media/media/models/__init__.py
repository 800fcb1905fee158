"""The rows of media's schema."""

from media.models.assets import Asset, AssetState, Rendition, WaveformRow
from media.models.schema import Base
from media.models.tracks import ErasedOwner, Track
from media.models.uploads import Upload, UploadStatus

__all__ = [
    "Asset",
    "AssetState",
    "Base",
    "ErasedOwner",
    "Rendition",
    "Track",
    "Upload",
    "UploadStatus",
    "WaveformRow",
]
