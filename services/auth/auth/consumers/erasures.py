"""Receipts of catalog, playlist and media for a deleted user's data."""

from datetime import datetime

from sqlalchemy.orm import Session

from auth.services.receipts import record_receipt
from common.events import Event, Subscriptions

subscriptions = Subscriptions()


class UserDataErased(Event):
    """A service's word that nothing of the user `id` remains there."""

    service: str
    rows: int
    erased_at: datetime


@subscriptions.on("catalog.user_data.erased.v1", UserDataErased)
@subscriptions.on("playlist.user_data.erased.v1", UserDataErased)
@subscriptions.on("media.user_data.erased.v1", UserDataErased)
def keep_receipt(session: Session, event: UserDataErased) -> None:
    """Keep the receipt."""
    record_receipt(
        session,
        user_id=event.id,
        service=event.service,
        version=event.version,
        rows=event.rows,
        erased_at=event.erased_at,
    )
