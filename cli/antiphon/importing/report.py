"""What became of each file."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Outcome(StrEnum):
    """How the import of one file ended."""

    PUBLISHED = "published"
    ALREADY_THERE = "already there"
    NEW = "would be uploaded"
    FAILED = "failed"
    IN_PROGRESS = "still processing"
    NOT_SENT = "not sent"


@dataclass(frozen=True, slots=True)
class Result:
    """One file's end; `detail` says why it failed."""

    path: Path
    outcome: Outcome
    detail: str = ""
    track_id: str | None = None


@dataclass(slots=True)
class Report:
    """All files' ends so far, and why the import itself stopped early, if it did."""

    results: dict[Path, Result] = field(default_factory=dict)
    interrupted: bool = False
    lost: str = ""

    def counts(self) -> Counter[Outcome]:
        """Return how many files ended how."""
        return Counter(result.outcome for result in self.results.values())

    def having(self, outcomes: Iterable[Outcome]) -> list[Result]:
        """Return the files that ended so, in the order of their paths."""
        wanted = set(outcomes)
        results = [result for result in self.results.values() if result.outcome in wanted]
        return sorted(results, key=lambda result: result.path)

    @property
    def exit_code(self) -> int:
        """Return 130 after an interruption, 1 unless every file is on the server, else 0."""
        if self.interrupted:
            return 130
        fine = {Outcome.PUBLISHED, Outcome.ALREADY_THERE, Outcome.NEW}
        return 0 if set(self.counts()) <= fine and not self.lost else 1
