"""Whatever may fail, at random times that follow from a seed."""

import random
import signal
import threading
import time
from collections import Counter

from tests.faults.suite.harness import Suite
from tests.faults.suite.processes import Process

_KILL, _STALL, _REDIS_KILL, _REDIS_WIPE, _DATABASE_KILL = (
    "process killed",
    "process stopped",
    "Redis killed",
    "Redis wiped",
    "database killed",
)
_WEIGHTS = {_KILL: 8, _STALL: 3, _REDIS_KILL: 1, _REDIS_WIPE: 2, _DATABASE_KILL: 1}
_AWAY_SECONDS = (0.2, 2.0)
"""How long a killed server stays away."""
_STALL_SECONDS = (0.5, 8.0)
_MOST_STALLED = 2


class Chaos(threading.Thread):
    """Kills and stops processes and servers of a suite until it is told to end.

    Whoever was killed comes back: processes by the suite's keeper, servers from here. Nothing more
    happens while most are on their way back, as on a slow machine: nobody would do any work.
    """

    def __init__(
        self, suite: Suite, rng: random.Random, pause_seconds: tuple[float, float] = (0.3, 2.0)
    ) -> None:
        super().__init__(name="chaos")
        self.counts: Counter[str] = Counter()
        self._suite, self._rng, self._pause = suite, rng, pause_seconds
        self._stop_asked = threading.Event()
        self._stalled: list[tuple[float, Process]] = []
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Do one thing after another."""
        try:
            while not self._stop_asked.wait(self._rng.uniform(*self._pause)):
                self._resume(time.monotonic())
                if len(self._up()) * 2 > len(self._suite.processes):
                    self._do(self._choose())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._resume(float("inf"))

    def end(self) -> None:
        """Stop, with all processes going on and all servers up; raises what went wrong."""
        self._stop_asked.set()
        self.join()
        if self._failure:
            raise self._failure

    def __str__(self) -> str:
        return ", ".join(f"{name} {count}×" for name, count in sorted(self.counts.items()))

    def _choose(self) -> str:
        names = [
            name
            for name in _WEIGHTS
            if (name != _DATABASE_KILL or self._suite.sql.dialect != "sqlite")
            and (name != _STALL or len(self._stalled) < _MOST_STALLED)
        ]
        return self._rng.choices(names, [_WEIGHTS[name] for name in names])[0]

    def _do(self, what: str) -> None:
        self.counts[what] += 1
        if what == _KILL:
            self._rng.choice(self._up()).kill_tree()
        elif what == _STALL:
            self._stall(self._rng.choice(self._up()))
        elif what == _REDIS_WIPE:
            self._suite.redis.wipe()
        else:
            server = self._suite.redis if what == _REDIS_KILL else self._suite.sql
            server.kill()
            time.sleep(self._rng.uniform(*_AWAY_SECONDS))
            server.start()

    def _up(self) -> list[Process]:
        """Return who has come up and is not stopped: to kill the others would be no test."""
        stalled = [process for _, process in self._stalled]
        return [each for each in self._suite.processes if each not in stalled and each.is_up]

    def _stall(self, process: Process) -> None:
        process.signal_group(signal.SIGSTOP)
        self._stalled.append((time.monotonic() + self._rng.uniform(*_STALL_SECONDS), process))

    def _resume(self, now: float) -> None:
        for due, process in list(self._stalled):
            if due <= now:
                process.signal_group(signal.SIGCONT)
                self._stalled.remove((due, process))
