"""A log file of bounded size: when full it becomes `.1`, and the former `.1` is dropped."""

import os
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 5_000_000


class LogFile:
    """Appends to a file of at most `max_bytes`, keeping one older file of the same size."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._fd = self._open()
        self._size = os.fstat(self._fd).st_size

    def write(self, data: bytes) -> None:
        """Append; a full disk loses log lines, never the processes that write them."""
        try:
            if self._size + len(data) > self._max_bytes:
                self._roll()
            self._size += os.write(self._fd, data)
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _roll(self) -> None:
        with suppress(FileNotFoundError):  # somebody tidied up
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        os.close(self._fd)
        self._fd = self._open()
        self._size = 0

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
