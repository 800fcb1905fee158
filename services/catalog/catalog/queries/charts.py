"""Charts: the most played and the newest tracks."""

from typing import Any

from sqlalchemy import Select, func
from sqlalchemy.orm import Session

from catalog.models import PlayCount, Track
from catalog.queries.tracks import select_tracks, show_tracks
from catalog.queries.visibility import PUBLIC, Item


def top_tracks(session: Session, limit: int) -> list[Item]:
    """Return the published tracks with the most plays, most first."""
    query = _select().join(PlayCount, PlayCount.track_id == Track.id)
    return _chart(session, query.order_by(PlayCount.total.desc(), PlayCount.track_id.desc()), limit)


def new_tracks(session: Session, limit: int) -> list[Item]:
    """Return the tracks published last, newest first."""
    query = _select().outerjoin(PlayCount, PlayCount.track_id == Track.id)
    return _chart(session, query.order_by(Track.published_at.desc(), Track.id.desc()), limit)


def _select() -> Select[Any]:
    plays = func.coalesce(PlayCount.total, 0).label("plays")
    return select_tracks().add_columns(plays).where(PUBLIC.of(Track))


def _chart(session: Session, query: Select[Any], limit: int) -> list[Item]:
    rows = session.execute(query.limit(limit)).all()
    return [
        {"position": position, "plays": row.plays, "track": track}
        for position, (row, track) in enumerate(
            zip(rows, show_tracks(session, rows), strict=True), start=1
        )
    ]
