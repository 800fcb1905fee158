"""Keeping the other services' word that they erased a user's data."""

from datetime import datetime

from sqlalchemy.orm import Session

from auth.models import ErasureReceipt


def record_receipt(
    session: Session, *, user_id: str, service: str, rows: int, erased_at: datetime
) -> None:
    """Note that `service` erased `rows` rows of the user; the latest word counts."""
    session.merge(ErasureReceipt(user_id=user_id, service=service, rows=rows, erased_at=erased_at))
