"""Programs that never outlive the tests."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO


@dataclass(frozen=True)
class Output:
    """What a program that has ended wrote, and its exit code."""

    command: str
    code: int
    stdout: str
    stderr: str

    def checked(self) -> "Output":
        """Return this if the code is 0; else AssertionError with the end of what it wrote."""
        assert self.code == 0, (
            f"{self.command} ended with {self.code}:\n{self.stdout[-3000:]}\n{self.stderr[-6000:]}"
        )
        return self


class Processes:
    """Starts programs, each in a session of its own, and ends all that still run."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdin: int = subprocess.PIPE,
        stdout: int | IO[str] = subprocess.PIPE,
        stderr: int | IO[str] = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start a program, with pipes unless told otherwise."""
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{command[0]} was to start while the tests were ending")
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                text=True,
                # Ctrl-C is for the tests; they end what they started in order.
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def run(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        timeout_seconds: float = 600,
    ) -> Output:
        """Run a program to its end; TimeoutExpired after it was stopped for being too slow."""
        # Files, not pipes: were the tests killed, a broken pipe would kill terraform before it ends
        # its providers.
        with TemporaryFile("w+") as stdout, TemporaryFile("w+") as stderr:
            process = self.start(command, folder, environment, subprocess.DEVNULL, stdout, stderr)
            try:
                process.wait(timeout_seconds)
            finally:
                self.stop(process)
            stdout.seek(0)
            stderr.seek(0)
            name = " ".join(command[:3])
            return Output(name, process.returncode, stdout.read(), stderr.read())

    def stop(self, process: subprocess.Popen[str], grace_seconds: float = 10) -> None:
        """End a program and all that it started: asked first, then killed."""
        if process.poll() is None:
            _signal_group(process, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace_seconds)
        _signal_group(process, signal.SIGKILL)
        process.wait()
        with self._lock:
            self._running.discard(process)

    def close(self) -> None:
        """End everything that still runs; nothing can be started afterwards."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            self.stop(process, grace_seconds=2)


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
