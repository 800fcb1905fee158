"""What a person sees: one prefixed line an event, coloured on a terminal, quiet unless asked."""

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from antiphon.supervisor.logfile import LogFile
from antiphon.supervisor.plan import Process

OWN_NAME = "antiphon"
_COLOURS = (36, 32, 35, 34, 33, 96, 92, 95, 94, 93)
_LEVELS = {"debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "critical": 50}
_LEVELS |= {"fatal": 50, "panic": 50, "exception": 40}
_RED, _YELLOW = 31, 33
# Said by the prefix, or of no use to a person who watches.
_UNSHOWN = {"level", "event", "msg", "message", "timestamp", "time", "ts", "logger", "service"}
_UNSHOWN |= {"exception", "stack", "trace_id"}


class Terminal:
    """Prints prefixed lines; its own lines also go to a log file."""

    def __init__(
        self, stream: TextIO, *, verbose: bool = False, width: int = 16, log: Path | None = None
    ) -> None:
        self._stream: TextIO | None = stream
        self._verbose = verbose
        self._width = width
        self._coloured = stream.isatty() and not os.environ.get("NO_COLOR")
        self._log = LogFile(log) if log else None

    def say(self, text: str, level: str = "info") -> None:
        """Print one line (or several) of the supervisor itself, whatever the verbosity."""
        if self._log:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self._log.write(f"{stamp} {level} {text}\n".encode())
        for line in text.splitlines():
            self._print(OWN_NAME, line, level)

    def show(self, process: Process, line: str) -> None:
        """Print a process's output line if its level is high enough to be shown."""
        level, text = readable(line)
        if self._verbose or _rank(level) >= _rank(process.shown_level):
            for part in text.splitlines():
                self._print(process.name, part, level)

    def hand_over(self, lines: Iterable[str]) -> None:
        """Print lines that a person may copy: without prefix, and in no log file."""
        self._write("".join(f"{line}\n" for line in lines))

    def _print(self, name: str, text: str, level: str) -> None:
        prefix = f"{name:<{self._width}} |"
        if self._coloured:
            colour = 1 if name == OWN_NAME else _COLOURS[sum(name.encode()) % len(_COLOURS)]
            prefix = f"\033[{colour}m{prefix}\033[0m"
            text = _tinted(text, level)
        self._write(f"{prefix} {text}\n")

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The terminal or pipe went away. Supervision and the log files go on without it.
            _discard(self._stream)
            self._stream = None


def _discard(stream: TextIO) -> None:
    """Let what is still in its buffer go nowhere, or Python's exit would fail over it (120)."""
    with suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _rank(level: str) -> int:
    return _LEVELS.get(level, _LEVELS["info"])


def _tinted(text: str, level: str) -> str:
    if _rank(level) < _LEVELS["warning"]:
        return text
    return f"\033[{_RED if _rank(level) >= _LEVELS['error'] else _YELLOW}m{text}\033[0m"


def readable(line: str) -> tuple[str, str]:
    """Return level and text of an output line; JSON log lines become words, other text stays."""
    fields = _parsed(line)
    if fields is None:
        return "info", line
    level = str(fields.get("level", "info")).lower()
    event = next((fields[key] for key in ("event", "msg", "message") if key in fields), "")
    rest = [_shown(key, value) for key, value in fields.items() if key not in _UNSHOWN]
    text = " ".join([str(event), *rest])
    if trace := fields.get("exception") or fields.get("stack"):
        text += f"\n{trace}"
    return level, text


def _shown(key: str, value: object) -> str:
    if isinstance(value, dict) and "method" in value and "uri" in value:
        return f"{value['method']} {value['uri']}"
    return f"{key}={value}"


def _parsed(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
