"""Asking something slow for whoever scrapes, without letting scrapes hurt it or wait for it."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from common.logging import get_logger

log = get_logger(__name__)

T = TypeVar("T")

_PATIENCE_SECONDS = 3.0
"""Prometheus waits for 10 s by default."""
_FRESH_SECONDS = 5.0
_SHARE = 10
"""An answer is kept for so many times as long as it took."""


class Reading(Generic[T]):
    """The answer to a question that is asked at most every few seconds, by one thread at a time."""

    def __init__(self, name: str, ask: Callable[[], T]) -> None:
        self._name = name
        self._ask = ask
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._answer: T | None = None
        self._stale_at = 0.0

    def value(self) -> T | None:
        """Return the answer, or None where it failed or takes longer than anybody waits."""
        with self._lock:
            asking = self._stale_at == float("inf")
            if not asking and time.monotonic() >= self._stale_at:
                self._stale_at = float("inf")
                self._answered.clear()
                # A daemon: a database that hangs must not keep the process from ending.
                threading.Thread(target=self._find_out, name=self._name, daemon=True).start()
        return self._answer if self._answered.wait(_PATIENCE_SECONDS) else None

    def _find_out(self) -> None:
        started, answer, kept = time.monotonic(), None, _FRESH_SECONDS
        try:
            answer = self._ask()
            kept = max(_FRESH_SECONDS, _SHARE * (time.monotonic() - started))
        except Exception as error:  # whatever it is, the scrape says that there is no answer
            log.warning("metrics_reading_failed", reading=self._name, error=repr(error))
        with self._lock:
            self._answer, self._stale_at = answer, time.monotonic() + kept
            self._answered.set()
