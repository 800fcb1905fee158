"""What a supervisor is to run, as plain values that travel as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Probe:
    """A readiness question: `send` goes to `address`, the answer must match `expect`."""

    address: str  # unix:/path or host:port
    send: str
    expect: str  # regular expression, matched where the answer begins


@dataclass(frozen=True, slots=True)
class Process:
    """One process: stages say when it starts and stops, both in rising order."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    start_stage: int = 0
    stop_stage: int = 0
    probe: Probe | None = None
    ready_line: str | None = None  # regular expression searched in its output
    stop_seconds: float = 10
    once: bool = False  # a step that ends by itself, ready when it ended with code 0
    cwd: str | None = None
    shown_level: str = "warning"  # the lowest level that is shown without being asked to


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one run needs; `started_at` is `time.monotonic()` of the command's first line."""

    processes: tuple[Process, ...]
    first_run: Process | None
    data_dir: str
    run_dir: str
    url: str
    started_at: float
    verbose: bool = False
    start_seconds: float = 120

    def to_json(self) -> str:
        """Return the plan as JSON text (it holds secrets: keep it private)."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read back what `to_json` wrote."""
        fields = json.loads(text)
        first_run = fields.pop("first_run")
        processes = tuple(_process(item) for item in fields.pop("processes"))
        return cls(processes, _process(first_run) if first_run else None, **fields)

    @property
    def logs(self) -> Path:
        """The folder with one log file a process."""
        return Path(self.data_dir, "logs")


def _process(fields: dict[str, Any]) -> Process:
    probe = fields.pop("probe")
    return Process(
        probe=Probe(**probe) if probe else None, argv=tuple(fields.pop("argv")), **fields
    )
