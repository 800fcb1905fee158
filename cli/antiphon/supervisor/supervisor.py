"""Starts processes in stages, restarts what dies, and stops everything in order."""

import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType

from antiphon.supervisor.child import HEALTHY_SECONDS, Child, State
from antiphon.supervisor.guard import Guard
from antiphon.supervisor.plan import Plan, Process
from antiphon.supervisor.terminal import Terminal, readable

CRASH_LOOP_FAILURES = 3
_SAME_SIGNAL_SECONDS = 0.5


class StartError(Exception):
    """The start cannot succeed; the message says what failed and shows its last lines."""


class StopRequested(Exception):
    """Someone pressed Ctrl-C or sent SIGTERM or SIGHUP."""


class Supervisor:
    """Runs a plan. Leaving the context stops every process, whatever happened inside."""

    def __init__(self, plan: Plan, terminal: Terminal) -> None:
        self._plan = plan
        self._terminal = terminal
        self._selector = selectors.DefaultSelector()
        self._children: list[Child] = []
        self._asked_to_stop: list[float] = []
        self._starting = self._stopping = False
        self._status = Path(plan.data_dir, "status.json")

    def __enter__(self) -> "Supervisor":
        self._waking, self._wakeup = socket.socketpair()
        for end in (self._waking, self._wakeup):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._waking, selectors.EVENT_READ, self._drain_wakeup)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup shall go on working
            signal.signal(signal.SIGHUP, self._note_signal)
        # Only a handler of our own makes the end of a child wake `select`.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._guard = Guard(self._plan.run_dir)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        self._guard.__exit__(kind, error, trace)
        self._status.unlink(missing_ok=True)
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._waking.close()
        self._wakeup.close()

    @property
    def forced(self) -> bool:
        """Whether a second Ctrl-C cut the clean stop short."""
        return len(self._asked_to_stop) > 1

    def start(self) -> None:
        """Start all stages, each when the one before is ready; raises StartError."""
        self._starting = True
        deadline = time.monotonic() + self._plan.start_seconds
        for stage in sorted({process.start_stage for process in self._plan.processes}):
            members = [
                self._spawn(process)
                for process in self._plan.processes
                if process.start_stage == stage
            ]
            self._wait(partial(_all_ready, members, deadline))
            names = ", ".join(child.process.name for child in members)
            self._terminal.say(f"up: {names}")
        self._starting = False

    def complete(self, process: Process) -> int:
        """Run a step beside the others and return its exit code."""
        child = self._spawn(process)
        self._wait(lambda _now: child.state is State.ENDED)
        return child.exit_code or 0

    def watch(self) -> None:
        """Supervise until somebody asks to stop."""
        self._wait(lambda _now: False)

    def _spawn(self, process: Process) -> Child:
        child = Child(process, self._plan.logs, self._selector, self._terminal.show)
        self._children.append(child)
        child.spawn()
        self._note_change()
        return child

    def _wait(self, done: Callable[[float], bool]) -> None:
        while not done(time.monotonic()):
            if self._asked_to_stop:
                raise StopRequested
            self._tick()

    def _tick(self) -> None:
        """Wait for output, an answer, a signal or a deadline, and deal with it."""
        dues = [child.due for child in self._children if child.due is not None]
        # While starting, `done` has a deadline of its own to look at.
        limit = [time.monotonic() + 1.0] if self._starting else []
        wait = max(0.0, min(dues + limit) - time.monotonic()) if dues or limit else None
        # What a process prints may make it ready: also that is a change.
        before = [(child.pid, child.state) for child in self._children]
        for key, _ in self._selector.select(wait):
            if key.fileobj in self._selector.get_map():  # not closed by the one before
                key.data()
        self._guard.revive()
        for child in self._children:
            if child.poll():
                self._deal_with_end(child)
            child.advance(time.monotonic())
        after = [(child.pid, child.state) for child in self._children]
        if before != after:
            self._note_change()
        for child, old, new in zip(self._children, before, after, strict=True):
            if child.restarts and new[1] is State.READY is not old[1]:
                self._terminal.say(f"{child.process.name} is up again")

    def _deal_with_end(self, child: Child) -> None:
        what = f"{child.process.name} {_how_it_ended(child)}"
        if child.state is State.STOPPING or self._stopping:
            child.finish()
        elif child.process.once:
            child.finish()
            if child.exit_code and self._starting:
                raise StartError(f"{what}. {_last_lines(child)}")
        else:
            self._restart(child, what)

    def _restart(self, child: Child, what: str) -> None:
        delay = child.schedule_restart()
        if child.failures < CRASH_LOOP_FAILURES:
            self._terminal.say(f"{what}; starting it again in {delay:.0f} s", "warning")
            return
        loop = f"{what}, {child.failures} times without staying up {HEALTHY_SECONDS:.0f} s"
        if self._starting:
            raise StartError(f"{loop}. {_last_lines(child)}")
        self._terminal.say(f"{loop}; next try in {delay:.0f} s. {_last_lines(child)}", "error")

    def _stop(self) -> None:
        """End every process: asked first, killed when its time is over or on a second Ctrl-C."""
        if self._asked_to_stop:
            self._terminal.say("stopping (Ctrl-C again to kill)")
        self._stopping, self._starting = True, False
        for child in self._children:
            if child.state is State.WAITING:
                child.finish()
        for stage in sorted({child.process.stop_stage for child in self._children}):
            members = [child for child in self._children if child.process.stop_stage == stage]
            for child in members:
                child.terminate()
            while any(child.state is not State.ENDED for child in members):
                self._tick()
                self._kill_late(members)
        for child in self._children:
            child.output.close()

    def _kill_late(self, members: Iterable[Child]) -> None:
        now = time.monotonic()
        for child in members:
            if child.state is not State.STOPPING or child.due is None:
                continue
            if self.forced or now >= child.due:
                if not self.forced:
                    limit = f"{child.process.stop_seconds:.0f} s"
                    self._terminal.say(f"{child.process.name} did not stop in {limit}: killed")
                child.kill()
                child.due = None

    def _note_change(self) -> None:
        """Tell the guard whom to kill, and `antiphon status` what runs."""
        self._guard.watch([child.pid for child in self._children if child.pid is not None])
        processes = {
            child.process.name: {
                "pid": child.pid,
                "state": child.state,
                "restarts": child.restarts,
            }
            for child in self._children
            if child.pid is not None or child.state is State.WAITING
        }
        text = json.dumps({"pid": os.getpid(), "url": self._plan.url, "processes": processes})
        unfinished = self._status.with_suffix(".new")
        with suppress(OSError):  # a full disk must not end what it only describes
            unfinished.write_text(text)
            unfinished.replace(self._status)

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        # A closing terminal sends SIGHUP more than once: that is one wish, not two.
        now = time.monotonic()
        if not self._asked_to_stop or now - self._asked_to_stop[-1] > _SAME_SIGNAL_SECONDS:
            self._asked_to_stop.append(now)

    def _drain_wakeup(self) -> None:
        try:
            while self._waking.recv(4096):
                pass
        except BlockingIOError:
            return


def _all_ready(members: list[Child], deadline: float, now: float) -> bool:
    waiting = [child for child in members if not _is_ready(child)]
    if waiting and now >= deadline:
        names = ", ".join(child.process.name for child in waiting)
        raise StartError(f"Still not ready: {names}. {_last_lines(waiting[0])}")
    return not waiting


def _is_ready(child: Child) -> bool:
    return child.state is (State.ENDED if child.process.once else State.READY)


def _how_it_ended(child: Child) -> str:
    code = child.exit_code or 0
    if code >= 0:
        # Python's last line names the error; after a signal it would only mislead.
        last = next((line for line in reversed(child.output.tail) if line.strip()), None)
        return f"ended with code {code}" + (f" ({readable(last)[1]})" if code and last else "")
    names = {number.value: number.name for number in signal.Signals}
    return f"was ended by {names.get(-code, f'signal {-code}')}"


def _last_lines(child: Child) -> str:
    if not child.output.tail:
        return "It wrote nothing."
    lines = "\n".join(f"    {readable(line)[1]}" for line in child.output.tail)
    return f"The last lines of {child.process.name}:\n{lines}"
