"""What a listener saved and heard, newest first."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.auth import Identity
from common.db import Page, page
from playlist.models import Play, SavedTrack
from playlist.queries.tracks import list_tracks, with_tracks


def has_saved(session: Session, user_id: str, track_id: str) -> bool:
    """Say whether the user likes the track."""
    row = session.get(SavedTrack, (user_id, track_id))
    return row is not None and row.saved


def list_saved_tracks(session: Session, user: Identity, *, limit: int, cursor: str | None) -> Page:
    """Return a page of the user's likes."""
    # Not `saved.is_(True)`: MySQL uses the index for `= 1` but not for `IS true`.
    query = with_tracks(select(SavedTrack.saved_at), SavedTrack.track_id, user).where(
        SavedTrack.user_id == user.user_id, SavedTrack.saved
    )
    order = [SavedTrack.saved_at, SavedTrack.track_id]
    found = page(session, query, order_by=order, limit=limit, cursor=cursor, descending=True)
    return Page(list_tracks(session, found.rows, "saved_at"), found.next_cursor)


def list_plays(session: Session, user: Identity, *, limit: int, cursor: str | None) -> Page:
    """Return a page of the user's listening history."""
    query = select(Play.id, Play.played_ms, Play.played_at, Play.counted)
    query = with_tracks(query, Play.track_id, user).where(Play.user_id == user.user_id)
    order = [Play.played_at, Play.id]
    found = page(session, query, order_by=order, limit=limit, cursor=cursor, descending=True)
    own = ("id", "played_ms", "played_at", "counted")
    return Page(list_tracks(session, found.rows, *own), found.next_cursor)
