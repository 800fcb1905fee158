"""What a child writes: to its log file, line by line to whoever listens, the last lines kept."""

import os
import selectors
from collections import deque
from collections.abc import Callable
from pathlib import Path

from antiphon.supervisor.logfile import LogFile

_MAX_LINE_BYTES = 64_000
_TAIL_LINES = 15


class Output:
    """Reads a child's pipe, a new one for each of its lives, without ever waiting for it."""

    def __init__(
        self, log: Path, selector: selectors.BaseSelector, on_line: Callable[[str], None]
    ) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._log = LogFile(log)
        self._selector = selector
        self._on_line = on_line
        self._pipe: int | None = None
        self._partial = b""

    def open(self) -> int:
        """Begin a new life: return a pipe's writing end, which the caller passes on and closes."""
        self.tail.clear()
        self._pipe, writing = os.pipe()
        os.set_blocking(self._pipe, False)
        self._selector.register(self._pipe, selectors.EVENT_READ, self._read)
        return writing

    def finish(self) -> None:
        """Take what is left in the pipe and close it."""
        self._read()
        self._close_pipe()
        if self._partial:
            self.take(b"\n")

    def close(self) -> None:
        """Close the log file too."""
        self._close_pipe()
        self._log.close()

    def take(self, data: bytes) -> None:
        """Log bytes and hand over the lines they complete."""
        self._log.write(data)
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > _MAX_LINE_BYTES:
            lines, self._partial = [*lines, self._partial], b""
        for raw in lines:
            line = raw.decode(errors="replace").rstrip("\r")
            self.tail.append(line)
            self._on_line(line)

    def _read(self) -> None:
        while self._pipe is not None:
            try:
                data = os.read(self._pipe, 65536)
            except BlockingIOError:
                return
            if data:
                self.take(data)
            else:
                self._close_pipe()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            self._selector.unregister(self._pipe)
            os.close(self._pipe)
            self._pipe = None
