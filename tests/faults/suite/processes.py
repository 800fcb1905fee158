"""Processes that tests signal, kill and start again: each a process group with a log of its own."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_START_SECONDS = 60


class Process:
    """A process that may be started many times; all its output goes to one log.

    `is_ready` is asked whether the newest run of it has come up.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        is_ready: Callable[["Process"], bool],
    ) -> None:
        self.name, self.log = name, log
        self.kept = True
        """Whether a `Keeper` starts it again when it has ended."""
        self.starts = 0
        self._command, self._environment = list(command), dict(environment)
        self._is_ready = is_ready
        self._run: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._came_up = 0
        self._lock = threading.RLock()

    @property
    def pid(self) -> int:
        """The process id of the newest run."""
        assert self._run is not None, f"{self.name} was never started"
        return self._run.pid

    @property
    def is_alive(self) -> bool:
        """Whether the newest run has not ended; a stopped one is alive."""
        return self._run is not None and self._run.poll() is None

    @property
    def is_up(self) -> bool:
        """Whether the newest run is alive and has come up, once; a stopped one is up."""
        starts = self.starts
        if self.is_alive and self._came_up != starts and self._is_ready(self):
            self._came_up = starts
        return self.is_alive and self._came_up == starts

    @property
    def output(self) -> str:
        """What the newest run has written so far."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def start(self) -> None:
        """Start a new run, unless one is alive; does not wait for it."""
        with self._lock:
            if self.is_alive:
                return
            with self.log.open("ab") as log:
                self._log_start = log.tell()
                self._run = subprocess.Popen(
                    self._command,
                    env=self._environment,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self.starts += 1

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> None:
        """Wait until the newest run has come up; fails with the log if it ends before."""
        deadline = time.monotonic() + seconds
        while not self.is_up:
            assert self.is_alive, f"{self.name} ended:\n{self.output[-4000:]}"
            assert time.monotonic() < deadline, f"{self.name} is not up:\n{self.output[-4000:]}"
            time.sleep(0.05)

    def wait_for_output(self, pattern: str, seconds: float = 30) -> None:
        """Wait until the newest run has written something that matches."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.output):
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.output[-4000:]}"
            time.sleep(0.05)

    def signal(self, number: int) -> None:
        """Send a signal to the process alone; one that has ended gets none."""
        with self._lock:
            if self._run is not None:
                self._run.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal to the process and its children that share its group."""
        with self._lock, suppress(ProcessLookupError):
            if self.is_alive:
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """End its whole group with SIGKILL, gunicorn's workers too, and reap it."""
        with self._lock:
            self.signal_group(signal.SIGKILL)
            if self._run is not None:
                self._run.wait(10)

    def kill_tree(self) -> list[int]:
        """End it and all its descendants, in other groups too, with SIGKILL; return whom."""
        with self._lock:
            pids = [self.pid, *descendants(self.pid)]
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.kill()
            return pids

    def terminate(self, seconds: float) -> int:
        """Send SIGTERM and return the exit status; raises TimeoutExpired when it takes longer."""
        assert self._run is not None
        self.signal(signal.SIGTERM)
        return self._run.wait(seconds)


class Keeper:
    """Starts processes again that have ended, as a supervisor or ECS does, a moment later."""

    def __init__(self, processes: Callable[[], Sequence[Process]]) -> None:
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper")

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the processes as they are from now on."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _keep(self) -> None:
        while not self._stop.wait(0.2):
            for process in self._processes():
                if process.kept and process.starts and not process.is_alive:
                    process.start()


def descendants(pid: int) -> list[int]:
    """Return the process ids of all children of a process, and of theirs."""
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                for child in map(int, (task / "children").read_text().split()):
                    found += [child, *descendants(child)]
    return found


def is_running(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    return any(pid == each for each, _ in command_lines())


def command_lines() -> Iterator[tuple[int, str]]:
    """Give the process id and the command of each process there is, zombies not."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words != [b""]:
                yield int(folder.name), b" ".join(words).decode(errors="replace").strip()


def wait_for(
    condition: Callable[[], bool],
    seconds: float,
    what: Callable[[], str] = lambda: "timed out",
    every: float = 0.05,
) -> float:
    """Wait until something is so and return the seconds it took; fails with `what`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + seconds, what()
        time.sleep(every)
    return time.monotonic() - started
