"""Whether this web process is on its way out: one byte that gunicorn shares with its workers.

A module of its own, because gunicorn's master needs it and nothing else of the application.
"""

import mmap

_draining = mmap.mmap(-1, 1)


def start_draining() -> None:
    """Note that this process and its children shall get no new connections."""
    _draining[0] = 1


def is_draining() -> bool:
    """Whether `start_draining` was called here or in the parent."""
    return _draining[0] != 0
