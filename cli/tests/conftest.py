"""Supervised stand-ins: small real processes under the real supervisor."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from antiphon.supervisor.plan import Plan, Process

WAIT_SECONDS = 30.0


@pytest.fixture(name="wait_for")
def wait_for_fixture() -> Callable[[Callable[[], bool], str], None]:
    return wait_for


@pytest.fixture(name="is_alive")
def is_alive_fixture() -> Callable[[int], bool]:
    return is_alive


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_SECONDS:.0f} s: {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """A zombie that nobody has fetched yet counts as dead."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()[:1] not in ("", "Z", "X")


class Run:
    """A supervisor in a process of its own, and what it prints."""

    def __init__(self, plan: Plan, folder: Path, stdout: int | None = None) -> None:
        self.plan = plan
        self.printed = folder / "printed.txt"
        plan_file = folder / "plan.json"
        plan_file.write_text(plan.to_json())
        with self.printed.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "antiphon.embedded.run", str(plan_file)],
                stdin=subprocess.DEVNULL,
                stdout=stdout or out,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self.printed.read_text()

    def wait_for_line(self, pattern: str) -> None:
        wait_for(
            lambda: re.search(pattern, self.text) is not None or self.process.poll() is not None,
            pattern,
        )
        assert re.search(pattern, self.text), f"ended without {pattern!r}:\n{self.text}"

    def pids(self) -> dict[str, int]:
        return {name: item["pid"] for name, item in self._processes().items() if item["pid"]}

    def states(self) -> dict[str, str]:
        return {name: item["state"] for name, item in self._processes().items()}

    def _processes(self) -> dict[str, dict[str, Any]]:
        status = json.loads((Path(self.plan.data_dir) / "status.json").read_text())
        processes: dict[str, dict[str, Any]] = status["processes"]
        return processes

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT_SECONDS)


@pytest.fixture
def start_run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Return a function that runs processes under a supervisor; all end with the test."""
    runs: list[Run] = []

    def start(
        *processes: Process,
        first_run: Process | None = None,
        stdout: int | None = None,
        **changes: Any,
    ) -> Run:
        (tmp_path / "logs").mkdir(exist_ok=True)
        run_dir = changes.pop("run_dir", None) or tempfile.mkdtemp(prefix="antiphon-test-")
        plan = Plan(
            processes, first_run, str(tmp_path), run_dir, "http://localhost:1", time.monotonic()
        )
        runs.append(Run(replace(plan, **changes), tmp_path, stdout))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait()
        rmtree(run.plan.run_dir, ignore_errors=True)


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Process]:
    """Return a function that makes a stand-in process from Python source."""

    def make(name: str, source: str, **fields: Any) -> Process:
        script = tmp_path / f"{name}.py"
        script.write_text(source)
        process = Process(name, (sys.executable, "-u", str(script)), {"PATH": os.environ["PATH"]})
        return replace(process, **fields)

    return make
