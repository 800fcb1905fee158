"""What a server that goes away, or is no longer the writer, means for a transaction.

After a failover of Aurora the old writer lives on as a reader: its connections work and refuse
every write, so they must go. Codes are those of MySQL's and MariaDB's error references.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from common.errors import Unavailable

_CONNECTION_IS_USELESS = frozenset(
    {
        1053,  # server shutdown in progress
        1290,  # running with --read-only
        1792,  # cannot execute in a read-only transaction
        1836,  # running in read-only mode
        1927,  # connection was killed (MariaDB)
        3032,  # in offline mode
    }
)
_LOST_TO_ANOTHER = frozenset({1205, 1213})  # lock wait timeout, deadlock


class Unconfirmed(Unavailable):
    """The connection was lost at COMMIT: the transaction may be committed, or not."""


def drop_useless_connections(engine: Engine) -> None:
    """Let errors that no statement on this connection will escape drop the pool's connections."""
    event.listen(engine, "handle_error", _judge)


def is_undone(error: DBAPIError) -> bool:
    """Whether an error before COMMIT rolled everything back and may not happen the next time."""
    return error.connection_invalidated or error_code(error.orig) in _LOST_TO_ANOTHER


@contextmanager
def committing(session: Session) -> Iterator[Session]:
    """Begin a transaction and commit it at the end; roll back on any error.

    Raises Unconfirmed when nobody knows whether it was committed.
    """
    saving = False
    try:
        with session.begin():
            yield session
            session.flush()
            saving = True
    except DBAPIError as error:
        if not (saving and error.connection_invalidated):
            raise
        raise Unconfirmed(
            "The database was lost while it was saving: this may be done, or not. Look before you "
            "repeat it; with the same Idempotency-Key, just repeat it."
        ) from error


def _judge(context: ExceptionContext) -> None:
    if error_code(context.original_exception) in _CONNECTION_IS_USELESS:
        context.is_disconnect = True


def error_code(error: BaseException | None) -> object:
    """Return the number that MySQL gave an error of the driver; None if there is none."""
    return error.args[0] if error is not None and error.args else None
