"""One supervised child process: spawned in its own session, stopped, and cleaned up after."""

import ctypes
import enum
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from antiphon.supervisor.output import Output
from antiphon.supervisor.plan import Process
from antiphon.supervisor.probing import Probing

FIRST_DELAY_SECONDS = 1.0
MAX_DELAY_SECONDS = 15.0
HEALTHY_SECONDS = 30.0
_SETTLE_SECONDS = 0.3
_CANNOT_EXECUTE = 127
_PR_SET_PDEATHSIG = 1


class State(enum.StrEnum):
    """Where a child is in its life."""

    STARTING = "starting"
    READY = "ready"
    WAITING = "waiting to restart"
    STOPPING = "stopping"
    ENDED = "ended"


def restart_delay(failures: int) -> float:
    """Return the pause before restart number `failures`: 1, 2, 4, 8, 15, 15 ... seconds."""
    return min(FIRST_DELAY_SECONDS * 2.0 ** (failures - 1), MAX_DELAY_SECONDS)


class Child:
    """A process of the plan and what is known about its current life."""

    def __init__(
        self,
        process: Process,
        logs: Path,
        selector: selectors.BaseSelector,
        on_line: Callable[[Process, str], None],
    ) -> None:
        self.process = process
        self.state = State.ENDED
        self.failures = 0
        self.restarts = 0
        self.exit_code: int | None = None
        self.due: float | None = None  # `time.monotonic()` when `advance` has something to do
        self.output = Output(logs / f"{process.name}.log", selector, self._line)
        self._spawned_at = 0.0
        self._selector = selector
        self._on_line = on_line
        self._popen: subprocess.Popen[bytes] | None = None
        self._probing: Probing | None = None
        self._ready_line = re.compile(process.ready_line) if process.ready_line else None

    @property
    def pid(self) -> int | None:
        """The process id, also its group and session id; None while it does not run."""
        return self._popen.pid if self._popen else None

    def spawn(self) -> None:
        """Start the process; must be called from the main thread (see `_tie_to_parent`)."""
        self.state, self.exit_code, self.due = State.STARTING, None, None
        self._spawned_at = time.monotonic()
        writing = self.output.open()
        try:
            self._popen = subprocess.Popen(  # noqa: S603 -- the plan is our own
                self.process.argv,
                env=self.process.env,
                cwd=self.process.cwd,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
                # Safe: the supervisor has one thread, so no lock can be held at the fork.
                preexec_fn=_tie_to_parent(),
            )
        except OSError as error:
            self.output.take(f"cannot start {self.process.argv[0]}: {error.strerror}\n".encode())
        finally:
            os.close(writing)
        if self.process.probe:
            self._probing = Probing(self.process.probe, self._selector)
        self.advance(self._spawned_at)

    def advance(self, now: float) -> None:
        """Do what is due at `now` (`time.monotonic()`): ask for readiness, or restart."""
        if self.state is State.WAITING and self.due is not None and now >= self.due:
            self.restarts += 1
            self.spawn()
        elif self.state is State.STARTING and not self.process.once:
            self._look_for_readiness(now)

    def poll(self) -> bool:
        """Say whether the process has just ended; then nothing of its group is left."""
        if self.state in (State.ENDED, State.WAITING):
            return False
        if self._popen is not None and self._popen.poll() is None:
            return False
        self._drop_probing()
        self.kill()
        self.output.finish()
        self.exit_code = self._popen.returncode if self._popen else _CANNOT_EXECUTE
        self._popen = None
        return True

    def schedule_restart(self) -> float:
        """Count the failure and return the pause in seconds before the next start."""
        now = time.monotonic()
        healthy = now - self._spawned_at >= HEALTHY_SECONDS
        self.failures = 1 if healthy else self.failures + 1
        delay = restart_delay(self.failures)
        self.state, self.due = State.WAITING, now + delay
        return delay

    def finish(self) -> None:
        """Note that the process has ended and shall not come back."""
        self.state, self.due = State.ENDED, None

    def terminate(self) -> None:
        """Ask the process to stop (SIGTERM to it alone: gunicorn and Celery pass it on)."""
        self._drop_probing()
        if self._popen is None:
            self.finish()
            return
        self.state = State.STOPPING
        self.due = time.monotonic() + self.process.stop_seconds
        self._popen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole process group at once."""
        if self._popen is None:
            return
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            # Nobody is left; macOS says EPERM when only a zombie is.
            return

    def _look_for_readiness(self, now: float) -> None:
        if self._ready_line:
            return  # `_line` sees it
        if self._probing:
            self._probing.advance(now)
            ready, self.due = self._probing.ready, self._probing.due
        else:
            self.due = self._spawned_at + _SETTLE_SECONDS
            ready = now >= self.due
        if ready:
            self._become_ready()

    def _become_ready(self) -> None:
        self.state, self.due = State.READY, None
        self._drop_probing()

    def _drop_probing(self) -> None:
        if self._probing:
            self._probing.close()
            self._probing = None

    def _line(self, line: str) -> None:
        self._on_line(self.process, line)
        if self.state is State.STARTING and self._ready_line and self._ready_line.search(line):
            self._become_ready()


def _tie_to_parent() -> Callable[[], None] | None:
    """Return what makes the kernel kill a child with its parent (Linux; the guard is elsewhere).

    The signal comes when the *thread* that spawned ends, hence the main thread.
    """
    if sys.platform != "linux":
        return None
    parent, libc = os.getpid(), ctypes.CDLL(None)

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return tie
