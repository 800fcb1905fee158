"""Measures the embedded mode: how soon it is ready and how much memory all of it takes.

`python cli/bench/measure.py` starts Antiphon twice (new and existing data folder) in a temporary
folder on a free port, waits until it has been idle for a while, and prints what it found.
Memory is PSS: shared pages are counted once, divided among those that share them (Linux only).
"""

import argparse
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_READY = re.compile(r"ready in ([\d.]+) s")
_START_SECONDS = 180


@dataclass(frozen=True)
class Usage:
    """One process: what it is, and its proportional memory in kB."""

    pid: int
    parent: int
    command: str
    pss_kb: int


def process_tree(root: int) -> list[Usage]:
    """Return the process and all below it, from /proc."""
    everyone = [usage for path in Path("/proc").glob("[0-9]*") if (usage := _usage(path))]
    tree = [usage for usage in everyone if usage.pid == root]
    for member in tree:  # grows while it is walked
        tree += [usage for usage in everyone if usage.parent == member.pid]
    return tree


def _usage(path: Path) -> Usage | None:
    try:
        parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        rollup = (path / "smaps_rollup").read_text()
    except (OSError, ValueError):
        return None
    pss = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return Usage(int(path.name), parent, command, int(pss[1])) if pss else None


def run_once(data_dir: Path, port: int, idle_seconds: float) -> tuple[float, list[Usage]]:
    """Start, wait until ready and idle, and stop; return seconds to ready and the processes."""
    command = [sys.executable, "-m", "antiphon", "up", "--no-demo"]
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [*command, "--data-dir", str(data_dir), "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        seconds = _wait_until_ready(process)
        time.sleep(idle_seconds)
        tree = process_tree(process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=_START_SECONDS)
    return seconds, tree


def _wait_until_ready(process: "subprocess.Popen[str]") -> float:
    printed = []
    for line in process.stdout or ():
        printed.append(line)
        if ready := _READY.search(line):
            return float(ready[1])
    raise SystemExit(f"Antiphon did not start:\n{''.join(printed)}")


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def _short(command: str) -> str:
    words = re.sub(r"\S*/", "", command).split()
    return " ".join(words)[:60]


def main() -> None:
    """Measure twice and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle-seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for what in ("new data folder", "existing data folder"):
            seconds, tree = run_once(Path(folder, "data"), _free_port(), arguments.idle_seconds)
            print(f"{what}: ready in {seconds:.1f} s")
    for usage in tree:
        print(f"{usage.pss_kb / 1024:8.1f} MB  {_short(usage.command)}")
    total = sum(usage.pss_kb for usage in tree) / 1024
    print(f"{total:8.1f} MB  PSS of all {len(tree)} processes, idle")


if __name__ == "__main__":
    main()
