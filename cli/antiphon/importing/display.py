"""Showing the progress of an import: bars on a terminal, plain lines elsewhere."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from antiphon.importing.names import shown, size_text
from antiphon.importing.report import Outcome, Result

_ROWS = 12


class Display(Protocol):
    """Who shows what happens; called from several threads."""

    def hashing(self, path: Path, done: int) -> None:
        """Show how many bytes have been hashed."""

    def uploading(self, path: Path, done: int) -> None:
        """Show how many bytes have been sent."""

    def processing(self, path: Path, status: str) -> None:
        """Show the last stage that the server has finished."""

    def settled(self, result: Result) -> None:
        """Show a file's end."""


class Lines:
    """One line a file, when it ends."""

    def __init__(self, console: Console, folder: Path, total: int) -> None:
        self._console, self._folder, self._total = console, folder, total
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def hashing(self, path: Path, done: int) -> None:
        """Say nothing."""

    def uploading(self, path: Path, done: int) -> None:
        """Say nothing."""

    def processing(self, path: Path, status: str) -> None:
        """Say nothing."""

    def settled(self, result: Result) -> None:
        """Print a file's end."""
        self._done += 1
        reason = f": {result.detail}" if result.detail else ""
        self._console.print(
            f"[{self._done}/{self._total}] {result.outcome}  "
            f"{shown(result.path, self._folder)}{reason}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


class Bars:
    """A bar for the whole and one for each file on its way."""

    def __init__(self, console: Console, folder: Path, total: int) -> None:
        self._folder = folder
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[stage]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._lock = threading.Lock()
        self._rows: dict[Path, TaskID] = {}
        self._sizes: dict[Path, int] = {}
        self._whole = self._progress.add_task("All files", total=total, stage=f"0/{total}")
        self._total, self._done, self._failed = total, 0, 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            for row in self._rows.values():
                self._progress.remove_task(row)
            self._rows.clear()
        self._progress.stop()

    def hashing(self, path: Path, done: int) -> None:
        """Fill the file's bar while it is read."""
        self._show(path, done, "hashing")

    def uploading(self, path: Path, done: int) -> None:
        """Fill the file's bar while it travels."""
        self._show(path, done, "uploading")

    def processing(self, path: Path, status: str) -> None:
        """Name the stage; the bar moves without end, for nobody knows how long it takes."""
        row = self._row(path)
        if row is not None:
            self._progress.reset(row, total=None, stage=f"processing ({status})")

    def settled(self, result: Result) -> None:
        """Take the file's bar away and let the whole grow."""
        with self._lock:
            row = self._rows.pop(result.path, None)
            if row is not None:
                self._progress.remove_task(row)
            self._done += 1
            self._failed += result.outcome is Outcome.FAILED
        failed = f", [red]{self._failed} failed[/red]" if self._failed else ""
        self._progress.update(
            self._whole, completed=self._done, stage=f"{self._done}/{self._total}{failed}"
        )

    def _show(self, path: Path, done: int, stage: str) -> None:
        row = self._row(path)
        if row is not None:
            size = self._sizes[path]
            stage = f"{stage} {size_text(done)} of {size_text(size)}"
            self._progress.update(row, completed=done, total=size, stage=stage)

    def _row(self, path: Path) -> TaskID | None:
        """Return the file's bar, a new one if there is room."""
        with self._lock:
            if path not in self._rows and len(self._rows) < _ROWS:
                name = escape(shown(path, self._folder)[-50:])
                self._sizes[path] = path.stat().st_size if path.exists() else 0
                self._rows[path] = self._progress.add_task(name, total=None, stage="")
            return self._rows.get(path)


def choose_display(console: Console, folder: Path, total: int) -> Lines | Bars:
    """Return bars for a terminal that can move its cursor, lines for everything else."""
    return (Bars if console.is_terminal and not console.is_dumb_terminal else Lines)(
        console, folder, total
    )
