"""Read models: rows that mirror another service's subjects, whatever order events come in."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, Session, mapped_column

from common.events.envelope import Event


class Projection:
    """Columns of a row that mirrors a foreign subject; a deleted one stays as a tombstone."""

    src_version: Mapped[int] = mapped_column(BigInteger, default=0)
    deleted: Mapped[bool] = mapped_column(default=False)


def apply_version(
    session: Session,
    model: type[Projection],
    event: Event,
    values: dict[str, Any],
    *,
    deleted: bool = False,
) -> bool:
    """Write `values` to the row with the event's id unless it is as new; say whether it was.

    The row stays locked until the transaction ends, so that one subject's events apply in turn.
    """
    row = session.get(model, event.id, with_for_update=True)
    if row is None:
        first: dict[str, Any] = {"id": event.id, "src_version": event.version, "deleted": deleted}
        session.add(model(**first, **values))
        session.flush()
        return True
    if row.src_version >= event.version or (row.deleted and not deleted):
        return False
    for name, value in values.items():
        setattr(row, name, value)
    row.src_version, row.deleted = event.version, deleted
    return True
