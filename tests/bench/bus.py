"""Measures the bus: `python tests/bench/bus.py` (`make bench-bus`), about four minutes.

Real processes on this machine: a writer, its worker, a subscriber's worker, a Valkey, and SQLite
files or a private MariaDB (if `mariadbd` is installed). Measured is the time from the commit of a
write to the commit of its effect in the other service, idle and under a steady load, and what the
outbox costs a write. Prints Markdown and keeps it in build/bench-bus.md. Exit status 1 if the
99th percentile when idle misses the target.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from common.testing.mariadb import (
    HOW_TO_GET_IT,
    create_schema,
    find_mariadbd,
    install_mariadb,
    mariadb_url,
    start_mariadb,
)
from common.testing.valkey import start_valkey, stop

_PING = Path(__file__).with_name("ping.py")
_REPORT = Path(__file__).parents[2] / "build" / "bench-bus.md"
_TARGET_MS = 250.0
_LOST_AFTER_SECONDS = 30


@dataclass
class Rounds:
    """Milliseconds of each round of one kind of load."""

    latencies: list[list[float]] = field(default_factory=list)
    writes: list[list[float]] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)
    """How many processor seconds a second both workers took together."""

    def p99(self) -> float:
        """Return the median of the rounds' 99th percentiles: one busy moment is not the bus."""
        return statistics.median(percentile(latencies, 99) for latencies in self.latencies)

    def row(self) -> list[str]:
        """Return the cells of the report's table."""
        everything, writes = [*chain(*self.latencies)], [*chain(*self.writes)]
        p99s = [percentile(latencies, 99) for latencies in self.latencies]
        return [
            str(len(everything)),
            f"{percentile(everything, 50):.1f}",
            f"{percentile(everything, 99):.1f}",
            f"{min(p99s):.0f} / {self.p99():.0f} / {max(p99s):.0f}",
            f"{max(everything):.0f}",
            f"{percentile(writes, 50):.1f} / {percentile(writes, 99):.1f}" if writes else "-",
            f"{statistics.median(self.cores):.0%}",
        ]


@dataclass(frozen=True)
class Stack:
    """The two services of the measurement over one kind of database."""

    folder: Path
    urls: dict[str, str]

    def environment(self, service: str) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": self.urls[service],
            "BROKER_URL": f"unix://{self.folder}/valkey.sock?db=0",
            "CACHE_URL": f"unix://{self.folder}/valkey.sock?db=1",
            "APPLIED": str(self.folder / "applied"),
        }

    def ping(self, *arguments: str, service: str = "ping") -> str:
        """Run a role of ping.py to its end; return what it printed."""
        command = [sys.executable, str(_PING), *arguments]
        return subprocess.run(
            command, env=self.environment(service), check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    @contextmanager
    def workers(self) -> Iterator[list[int]]:
        """Run both services' workers; whatever they complain about goes to standard error."""
        running = [
            subprocess.Popen(
                [sys.executable, str(_PING), "work", service],
                env=self.environment(service),
                stdout=sys.stderr,
            )
            for service in ("ping", "pong")
        ]
        try:
            yield [worker.pid for worker in running]
        finally:
            for worker in running:
                worker.terminate()
            for worker in running:
                worker.wait(30)

    def measure(self, workers: list[int], rounds: Rounds, *arguments: str) -> None:
        """Let a writer write, wait until all of it is applied, and keep how long that took."""
        started, used_before = time.monotonic(), processor_seconds(workers)
        written = json.loads(self.ping(*arguments))
        applied = self._wait_until_applied(set(written["committed"]))
        used = processor_seconds(workers) - used_before
        rounds.cores.append(used / (time.monotonic() - started))
        rounds.latencies.append(
            [(applied[note] - at) / 1e6 for note, at in written["committed"].items()]
        )
        rounds.writes.append([late / 1e6 for late in written["write_ns"]])

    def _wait_until_applied(self, notes: set[str]) -> dict[str, int]:
        deadline = time.monotonic() + _LOST_AFTER_SECONDS
        while True:
            lines = (self.folder / "applied").read_text().splitlines()
            applied = {note: int(at) for note, at in (line.split() for line in lines)}
            missing = notes - applied.keys()
            if not missing:
                return applied
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(missing)} of {len(notes)} events were not applied")
            time.sleep(0.2)


def processor_seconds(pids: list[int]) -> float:
    """Return how many these processes have taken so far, from proc(5); nan without it."""
    stats = [Path(f"/proc/{pid}/stat") for pid in pids]
    if not all(stat.exists() for stat in stats):
        return math.nan
    # After the name, which may hold anything: user and system time are the 12th and 13th field.
    fields = [stat.read_text().rpartition(")")[2].split() for stat in stats]
    return sum(int(ticks) for each in fields for ticks in each[11:13]) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], percent: int) -> float:
    """Return the smallest value that `percent` % of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


@contextmanager
def sqlite_urls(folder: Path) -> Iterator[dict[str, str]]:
    """A file for each service."""
    yield {name: f"sqlite:///{folder}/{name}.db" for name in ("ping", "pong")}


@contextmanager
def mariadb_urls(folder: Path) -> Iterator[dict[str, str]]:
    """A schema for each service on a private server, as durable as it is by default."""
    install_mariadb(folder / "data")
    server = start_mariadb(folder)
    try:
        yield {name: create_schema(mariadb_url(folder), name) for name in ("ping", "pong")}
    finally:
        server.terminate()
        server.wait(60)


def measure_database(
    urls: dict[str, str], folder: Path, options: argparse.Namespace
) -> tuple[dict[str, Rounds], dict[str, list[int]]]:
    """Run all rounds over one database; return latencies by load and what writes cost."""
    stack, loads = Stack(folder, urls), {"idle": Rounds(), f"{options.rate}/s": Rounds()}
    for service in urls:
        stack.ping("schema", service=service)
    (folder / "applied").touch()
    idle, steady = loads.values()
    with stack.workers() as workers:
        stack.measure(workers, Rounds(), "idle", "3")  # opens connections, fills caches
        for _ in range(options.rounds):
            stack.measure(workers, idle, "idle", str(options.idle_events))
            stack.measure(workers, steady, "load", str(options.rate), str(options.load_seconds))
    return loads, json.loads(stack.ping("cost", str(options.cost_seconds)))


def cost_row(took: dict[str, list[int]]) -> list[str]:
    """Return the median times of the three kinds of write, and the ratios to the plain one."""
    cells = [f"{statistics.median(values) / 1e6:.2f}" for values in took.values()]
    for kind in ("outbox", "outbox_nudge"):
        ratios = [with_it / plain for with_it, plain in zip(took[kind], took["plain"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
    return [str(len(took["plain"])), *cells]


def table(head: str, rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    titles = head.split(" | ")
    return ["| " + " | ".join(row) + " |" for row in (titles, ["---"] * len(titles), *rows)]


def report(
    results: dict[str, tuple[dict[str, Rounds], dict[str, list[int]]]], machine: str
) -> list[str]:
    """Return the report's lines."""
    latency = [
        [database, load, *rounds.row()]
        for database, (loads, _) in results.items()
        for load, rounds in loads.items()
    ]
    costs = [[database, *cost_row(took)] for database, (_, took) in results.items()]
    return [
        "# The bus, measured",
        "",
        machine,
        "",
        "## From a commit to its effect, committed in another service (ms)",
        "",
        *table(
            "database | load | events | p50 | p99 | p99 of a round: least / median / most | max"
            " | the write itself, p50 / p99 | both workers, of a core",
            latency,
        ),
        "",
        "## What the outbox costs a write of one row (ms, medians)",
        "",
        *table(
            "database | writes of each kind | plain | outbox | outbox and nudge"
            " | outbox : plain (quartiles) | outbox and nudge : plain (quartiles)",
            costs,
        ),
        "",
    ]


def describe_machine(load_before: float) -> str:
    """Say where and when, and how busy the machine was with other things."""
    return (
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {platform.machine()},"
        f" {os.cpu_count()} cores, Python {platform.python_version()}, load average"
        f" {load_before:.1f} before and {os.getloadavg()[0]:.1f} after."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle-events", type=int, default=70, help="in each round")
    parser.add_argument("--rate", type=int, default=200, help="events a second under load")
    parser.add_argument("--load-seconds", type=int, default=8, help="in each round")
    parser.add_argument("--cost-seconds", type=int, default=6)
    parser.add_argument("--database", choices=["SQLite", "MariaDB"], help="only this one")
    options = parser.parse_args()
    databases = {"SQLite": sqlite_urls, "MariaDB": mariadb_urls}
    if options.database:
        databases = {options.database: databases[options.database]}
    elif find_mariadbd() is None:
        print(f"Measuring SQLite only: {HOW_TO_GET_IT}", file=sys.stderr)
        del databases["MariaDB"]
    load_before, results = os.getloadavg()[0], {}
    for name, open_urls in databases.items():
        print(f"measuring {name} ...", file=sys.stderr)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="antiphon-")))
            stack.callback(stop, start_valkey(folder))
            results[name] = measure_database(
                stack.enter_context(open_urls(folder)), folder, options
            )
    text = "\n".join(report(results, describe_machine(load_before)))
    _REPORT.parent.mkdir(exist_ok=True)
    _REPORT.write_text(text)
    print(text)
    missed = [name for name, (loads, _) in results.items() if loads["idle"].p99() >= _TARGET_MS]
    if missed:
        raise SystemExit(f"p99 when idle is not below {_TARGET_MS:.0f} ms on {missed}")


if __name__ == "__main__":
    main()
