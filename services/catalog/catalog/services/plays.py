"""Counting plays."""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from catalog.models import PlayCount, PlayDay, Track
from common.cache import invalidate

CHARTS_GROUP = "charts"
"""What the cache calls all that plays change, which is far less than all of the catalog."""


def record_play(session: Session, track_id: str, played_at: datetime) -> None:
    """Count one play on the day (UTC) it happened; one of a deleted track is dropped.

    Counting the same play twice is prevented by the inbox.
    """
    if session.scalar(select(Track.id).where(Track.id == track_id)) is None:
        return
    day = played_at.astimezone(UTC).date()
    _increment(session, PlayCount(track_id=track_id, total=1), PlayCount.track_id == track_id)
    today = (PlayDay.track_id == track_id) & (PlayDay.day == day)
    _increment(session, PlayDay(track_id=track_id, day=day, total=1), today)
    invalidate(session, CHARTS_GROUP)


def _increment(session: Session, first: PlayCount | PlayDay, same: ColumnElement[bool]) -> None:
    model = type(first)
    counted = session.execute(update(model).where(same).values(total=model.total + 1))
    if cast("CursorResult[Any]", counted).rowcount == 0:
        session.add(first)
        session.flush()
