"""What bus and jobs tell whoever measures them; this one listens to nothing."""


class Observer:
    """Called where something happens that operators count. Called by several threads."""

    def looped(self, loop: str) -> None:
        """Note that a worker's loop (`relay`, `acks`, `consumer`, `chores`) got round once."""

    def published(self, subscriber: str, first: int, again: int) -> None:
        """Note deliveries put on a subscriber's queue: for the first time, and as resends."""

    def held_back(self, subscriber: str, count: int) -> None:
        """Note deliveries that stay here: the broker is away or the queue over its limit."""

    def acknowledged(self, subscriber: str, count: int) -> None:
        """Note acknowledgements; repeated ones count again."""

    def applied(self, event_type: str, seconds: float) -> None:
        """Note an event applied, so many seconds after it was emitted."""

    def duplicate(self, event_type: str) -> None:
        """Note an event that came again and changed nothing."""

    def failed(self, event_type: str, *, dead: bool) -> None:
        """Note a handler that raised, and whether it was the last try."""

    def job_sent(self, kind: str, *, expired: bool) -> None:
        """Note a job given to Celery; `expired` when its last worker's lease had run out."""

    def job_ended(self, kind: str, outcome: str, seconds: float) -> None:
        """Note an attempt that ended as `done`, `failed`, `fenced` or `interrupted`."""

    def job_dead(self, kind: str) -> None:
        """Note a job that will not be tried again."""


_observer = Observer()


def observer() -> Observer:
    """Return who listens in this process."""
    return _observer


def observe_with(listener: Observer) -> None:
    """Let `listener` hear what happens in this process from now on."""
    global _observer
    _observer = listener
