"""When to try a request again, and how long to wait before."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from antiphon.client.errors import RetryableError

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Retry:
    """Tries, with waits that double (seconds) and a little chance in each; `wait` may raise."""

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0
    wait: Callable[[float], None] = time.sleep

    def run(self, attempt: Callable[[], Answer]) -> Answer:
        """Call until it works; re-raises the last RetryableError, and all others at once."""
        for number in range(self.attempts - 1):
            try:
                return attempt()
            except RetryableError as error:
                self.wait(self._pause(number, error.retry_after))
        return attempt()

    def _pause(self, number: int, asked: float | None) -> float:
        if asked is not None:
            return min(asked, self.longest_wait)
        doubled = self.first_wait * 2.0**number
        return min(doubled, self.longest_wait) * random.uniform(0.75, 1.25)  # noqa: S311
