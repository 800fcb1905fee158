"""The rows of catalog's schema and the rules of names."""

from catalog.models.albums import Album
from catalog.models.artists import Artist
from catalog.models.changes import Change
from catalog.models.folding import fold, index_words, name_key, words
from catalog.models.genres import Genre, TrackGenre
from catalog.models.plays import PlayCount, PlayDay
from catalog.models.schema import TEXT_LENGTH, Base
from catalog.models.search import SearchDocument, SearchWord, mark, unmark
from catalog.models.tracks import Credit, Lyrics, Role, Track, TrackState
from catalog.models.upstream import Asset

__all__ = [
    "TEXT_LENGTH",
    "Album",
    "Artist",
    "Asset",
    "Base",
    "Change",
    "Credit",
    "Genre",
    "Lyrics",
    "PlayCount",
    "PlayDay",
    "Role",
    "SearchDocument",
    "SearchWord",
    "Track",
    "TrackGenre",
    "TrackState",
    "fold",
    "index_words",
    "mark",
    "name_key",
    "unmark",
    "words",
]
