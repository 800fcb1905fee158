"""Erasing a user."""

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from catalog.events import UserDataErased
from catalog.models import Album, Artist, Asset, ErasedUser, Track
from catalog.services.albums import remove_album
from catalog.services.artists import remove_artist
from catalog.services.tracks import remove_track
from common.db import utcnow
from common.events import emit
from common.idempotency import forget_answers


def erase_user(session: Session, user_id: str) -> None:
    """Delete everything the user owns, tell the others, and send auth the receipt."""
    forget_answers(session, user_id)
    session.merge(ErasedUser(user_id=user_id))
    rows = sum(_count(session, model, user_id) for model in (Track, Album, Artist, Asset))
    for track in session.scalars(select(Track).where(Track.owner_id == user_id)).all():
        remove_track(session, track)
    for album in session.scalars(select(Album).where(Album.owner_id == user_id)).all():
        remove_album(session, album)
    for artist in session.scalars(select(Artist).where(Artist.owner_id == user_id)).all():
        remove_artist(session, artist)
    session.execute(delete(Asset).where(Asset.owner_id == user_id))
    emit(
        session,
        UserDataErased(id=user_id, version=1, service="catalog", rows=rows, erased_at=utcnow()),
    )


def is_erased(session: Session, user_id: str) -> bool:
    """Whether the user's data was erased, so that late events of theirs must not count."""
    return session.get(ErasedUser, user_id) is not None


def _count(session: Session, model: type[Track | Album | Artist | Asset], user_id: str) -> int:
    mine = select(func.count()).select_from(model).where(model.owner_id == user_id)
    return session.scalar(mine) or 0
