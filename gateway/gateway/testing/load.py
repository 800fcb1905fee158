"""Clients that ask through a gateway without a pause, and keep account of every answer."""

import contextlib
import http.client
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.testing.running import connection

_PARTS = 10
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """What one client sends; `marker` names what it makes, `trickle_seconds` spreads its body."""

    method: str
    target: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: int = 200
    marker: str = ""
    trickle_seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What became of a request: status 0 is no answer at all, `detail` says why."""

    request: Request
    status: int
    started: float
    seconds: float
    detail: str = ""
    content_type: str = ""

    @property
    def is_as_expected(self) -> bool:
        """Whether it got the answer that it would get on a quiet day."""
        return self.status == self.request.expected

    def __str__(self) -> str:
        asked = f"{self.request.method} {self.request.target}"
        return f"{asked}: {self.status} after {self.seconds:.2f} s {self.detail}"


Maker = Callable[[int], Request]
"""Returns the nth request of a client."""


class Load:
    """Clients in threads, one kept connection each, from `with` to its end."""

    def __init__(self, address: str, makers: Sequence[Maker], pause_seconds: float = 0.02) -> None:
        self.outcomes: list[Outcome] = []
        self._address, self._pause = address, pause_seconds
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(maker,)) for maker in makers]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def unexpected(self) -> list[Outcome]:
        """Return the outcomes that a client would complain about."""
        return [outcome for outcome in self.outcomes if not outcome.is_as_expected]

    def acknowledged(self, prefix: str) -> list[str]:
        """Return the markers with a prefix of what was made, by the answers."""
        return [
            outcome.request.marker
            for outcome in self.outcomes
            if outcome.is_as_expected and outcome.request.marker.startswith(prefix)
        ]

    def _run(self, maker: Maker) -> None:
        caller = connection(self._address, _TIMEOUT_SECONDS)
        for number in itertools.count():
            if self._stop.wait(self._pause):
                break
            self.outcomes.append(send(caller, maker(number)))
        caller.close()


def send(caller: http.client.HTTPConnection, request: Request) -> Outcome:
    """Send a request on a kept connection and return what became of it."""
    started, status, detail, content_type = time.monotonic(), 0, "", ""
    try:
        caller.putrequest(request.method, request.target)
        for name, text in request.headers.items():
            caller.putheader(name, text)
        if request.body is not None:
            caller.putheader("Content-Length", str(len(request.body)))
        caller.endheaders()
        for part in _parts(request):
            caller.send(part)
        answer = caller.getresponse()
        body = answer.read()
        status, content_type = answer.status, answer.headers.get("Content-Type", "")
        detail = "" if status == request.expected else body.decode(errors="replace")[:300]
    except (OSError, http.client.HTTPException) as error:
        detail = repr(error)
        with contextlib.suppress(OSError):
            caller.close()
    return Outcome(request, status, started, time.monotonic() - started, detail, content_type)


def _parts(request: Request) -> Iterator[bytes]:
    body = request.body or b""
    if not request.trickle_seconds:
        yield body
        return
    size = -(-len(body) // _PARTS)
    for start in range(0, len(body), size):
        time.sleep(request.trickle_seconds / _PARTS)
        yield body[start : start + size]
