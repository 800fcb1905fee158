"""Plays that count."""

from datetime import datetime

from sqlalchemy.orm import Session

from catalog.services.plays import record_play
from common.events import Event, Subscriptions

subscriptions = Subscriptions()


class TrackPlayed(Event):
    """Somebody heard enough of a track; who it was does not matter here."""

    track_id: str
    played_at: datetime


@subscriptions.on("playlist.track.played.v1", TrackPlayed)
def count_play(session: Session, event: TrackPlayed) -> None:
    """Count the play."""
    record_play(session, event.track_id, event.played_at)
