"""Removing a user's data from stored envelopes."""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from common.events.tables import inbox, outbox, outbox_delivery

# Such an event holds no more than ids (tests/architecture/test_events.py), and is what removes the
# user's words from a read model here: it must be applied, however late.
_IS_DELETION = inbox.c.type.like("%.deleted.v%")


def purge_envelopes(session: Session, user_id: str, limit: int = 500) -> int:
    """Remove a batch of envelopes with a user's data from outbox and inbox; return how many.

    Undelivered events go, too. No subscriber needs them: each of their subjects ends, or has ended,
    with an event that holds no more than ids, whose tombstone stands for all of them.
    """
    return _purge_outbox(session, user_id, limit) + _purge_inbox(session, user_id, limit)


def _purge_outbox(session: Session, user_id: str, limit: int) -> int:
    theirs = select(outbox.c.event_id).where(outbox.c.user_id == user_id).limit(limit)
    ids = session.scalars(theirs).all()
    # Deliveries first: a relay must never hold one whose envelope is gone.
    session.execute(delete(outbox_delivery).where(outbox_delivery.c.event_id.in_(ids)))
    session.execute(delete(outbox).where(outbox.c.event_id.in_(ids)))
    return len(ids)


def _purge_inbox(session: Session, user_id: str, limit: int) -> int:
    """Blank failed events that name the user; nothing is to be done about them any more.

    Those that tell of a deletion are left to be tried again, or replayed where they are dead.
    """
    # What failed is little, and may be no event at all: hence no column to search by.
    names_them = inbox.c.envelope.contains(user_id) & ~_IS_DELETION
    failed = inbox.c.state.in_(("retry", "dead")) & names_them
    ids = session.scalars(select(inbox.c.event_id).where(failed).limit(limit)).all()
    # The note stays, so that a late copy does not count as new.
    blank = {"state": "done", "envelope": None, "last_error": None}
    session.execute(update(inbox).where(inbox.c.event_id.in_(ids), failed).values(**blank))
    return len(ids)
