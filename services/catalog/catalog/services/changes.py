"""What every change of the catalog entails: an event, a line in the log, no stale answers."""

from sqlalchemy.orm import Session

from catalog.models import Change
from common.cache import invalidate
from common.events import Event, emit

CACHE_GROUP = "catalog"


def record(session: Session, event: Event) -> None:
    """Publish the change if this transaction commits, and void what was cached before it."""
    session.flush()
    emit(session, event)
    session.add(
        Change(
            kind=event.subject_kind,
            subject_id=event.id,
            action=event.event_type.split(".")[2],
            version=event.version,
        )
    )
    invalidate(session, CACHE_GROUP)
