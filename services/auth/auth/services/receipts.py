"""Keeping the other services' word that they erased a user's data."""

from datetime import datetime

from sqlalchemy.orm import Session

from auth.models import ErasureReceipt


def record_receipt(
    session: Session, *, user_id: str, service: str, version: int, rows: int, erased_at: datetime
) -> None:
    """Note that `service` erased `rows` rows of the user; its newest word counts, not its last."""
    receipt = session.get(ErasureReceipt, (user_id, service), with_for_update=True)
    if receipt is None:
        receipt = ErasureReceipt(user_id=user_id, service=service, version=0)
        session.add(receipt)
    if receipt.version < version:
        receipt.version, receipt.rows, receipt.erased_at = version, rows, erased_at
