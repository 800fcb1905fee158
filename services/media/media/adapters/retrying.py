"""Calls over a network: tried again while that may help, and not for ever."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from common.logging import get_logger
from media.errors import StorageUnavailable

log = get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How long to go on: so many tries, none begun `seconds` after the first."""

    tries: int = 5
    seconds: float = 30.0
    first_pause: float = 0.5
    longest_pause: float = 8.0

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures: exponential, with jitter."""
        ceiling = min(self.longest_pause, self.first_pause * 2.0 ** (failures - 1))
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads load, hides nothing


def persist(
    call: Callable[[], T], may_help: Callable[[Exception], bool], patience: Patience, what: str
) -> T:
    """Return what `call` returns; after errors that trying again `may_help`, call again.

    Raises StorageUnavailable when patience ends, and other errors as they are.
    """
    until = time.monotonic() + patience.seconds
    for failures in range(1, patience.tries + 1):
        try:
            return call()
        except Exception as error:
            if not may_help(error):
                raise
            pause = patience.pause(failures)
            if failures == patience.tries or time.monotonic() + pause > until:
                log.warning("storage_gave_up", what=what, failures=failures, error=str(error)[:300])
                raise StorageUnavailable from error
            log.info("storage_call_failed", what=what, failures=failures, error=str(error)[:300])
        time.sleep(pause)
    raise AssertionError("unreachable")
