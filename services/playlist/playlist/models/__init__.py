"""The rows of playlist's schema."""

from playlist.models.catalog import Album, Artist, Credit, Track
from playlist.models.library import Play, SavedTrack
from playlist.models.playlists import MAX_ENTRIES, Entry, Playlist, Visibility, check_position
from playlist.models.schema import Base

__all__ = [
    "MAX_ENTRIES",
    "Album",
    "Artist",
    "Base",
    "Credit",
    "Entry",
    "Play",
    "Playlist",
    "SavedTrack",
    "Track",
    "Visibility",
    "check_position",
]
