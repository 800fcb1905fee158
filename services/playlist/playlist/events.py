"""What playlist tells the other services."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy.orm import Session

from common.events import Event, emit
from playlist.models import Play, Playlist, SavedTrack


class _PlaylistEvent(Event):
    subject_kind: ClassVar = "playlist"
    data_of: ClassVar[str | None] = "owner_id"

    owner_id: str
    """The user who made it."""
    name: str
    """As lists show it."""
    visibility: str
    """Who may see it: `private`, `unlisted` (who has the link) or `public`."""
    entry_count: int
    """How many tracks are on it, repeats included."""
    updated_at: datetime
    """When it or its entries last changed."""


class PlaylistCreated(_PlaylistEvent):
    """Somebody made a playlist."""

    event_type: ClassVar = "playlist.playlist.created.v1"


class PlaylistUpdated(_PlaylistEvent):
    """A playlist or its entries changed."""

    event_type: ClassVar = "playlist.playlist.updated.v1"


class PlaylistDeleted(_PlaylistEvent):
    """A playlist is gone; what it was is no longer told."""

    event_type: ClassVar = "playlist.playlist.deleted.v1"
    data_of: ClassVar = None


class TrackPlayed(Event):
    """Somebody heard 30 s of a track, or half of a shorter one; `id` is the play's."""

    event_type: ClassVar = "playlist.track.played.v1"
    subject_kind: ClassVar = "play"
    data_of: ClassVar = "user_id"

    user_id: str
    """Who listened."""
    track_id: str
    """What was heard."""
    played_ms: int
    """How long, in milliseconds."""
    played_at: datetime
    """When the listening began, as the player tells it."""


class _LikeEvent(Event):
    subject_kind: ClassVar = "track"
    data_of: ClassVar = "user_id"

    user_id: str
    """Whose like it is."""
    at: datetime
    """When it was liked, or the like was taken back."""


class TrackLiked(_LikeEvent):
    """A user saved the track `id`; `version` orders that user's likes of that track."""

    event_type: ClassVar = "playlist.track.liked.v1"


class TrackUnliked(_LikeEvent):
    """A user took the like of the track `id` back."""

    event_type: ClassVar = "playlist.track.unliked.v1"


class UserDataErased(Event):
    """Nothing of the user `id` remains in playlist."""

    event_type: ClassVar = "playlist.user_data.erased.v1"
    subject_kind: ClassVar = "user"

    service: str
    """Who erased it."""
    rows: int
    """How many rows there were."""
    erased_at: datetime
    """When it was done."""


def emit_playlist(session: Session, kind: type[_PlaylistEvent], playlist: Playlist) -> None:
    """Publish the playlist's state as an event of `kind`."""
    emit(session, kind.model_validate(playlist, from_attributes=True))


def emit_playlist_gone(session: Session, playlist: Playlist) -> None:
    """Publish that a playlist was deleted, with nothing of what it was."""
    emit(
        session,
        PlaylistDeleted(
            id=playlist.id,
            version=playlist.version,
            owner_id=playlist.owner_id,
            name="",
            visibility=playlist.visibility,
            entry_count=0,
            updated_at=playlist.updated_at,
        ),
    )


def emit_play(session: Session, play: Play) -> None:
    """Publish a play that counts."""
    emit(
        session,
        TrackPlayed(
            id=play.id,
            version=1,
            user_id=play.user_id,
            track_id=play.track_id,
            played_ms=play.played_ms,
            played_at=play.played_at,
        ),
    )


def emit_like(session: Session, row: SavedTrack) -> None:
    """Publish that a track was saved or taken back."""
    kind = TrackLiked if row.saved else TrackUnliked
    emit(session, kind(id=row.track_id, version=row.version, user_id=row.user_id, at=row.saved_at))
