"""One trace through requests, events and jobs (W3C Trace Context, level 1).

Trace ids are always there, for logs; spans are recorded only where OpenTelemetry is configured by
its own variables, and only then is it imported.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Literal

from common import OPENTELEMETRY_IS_ON
from common.logging import log_context

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")

Kind = Literal["server", "consumer"]


class Span:
    """A piece of work in a trace; this class records nothing."""

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def describe(self, name: str, **attributes: str | int) -> None:
        """Say what is known of the work only later."""

    def fail(self, error: BaseException) -> None:
        """Note an error that ends the work but is not raised."""


Recorder = Callable[[str, Kind, str | None, dict[str, str]], AbstractContextManager[Span]]
"""Opens a span: name, kind, the parent's traceparent, attributes."""

_current: ContextVar[Span | None] = ContextVar("span", default=None)


def configure_tracing(service: str) -> None:
    """Record spans if the environment names an OTLP endpoint (OpenTelemetry's own variables)."""
    global _recorder
    if OPENTELEMETRY_IS_ON:
        from common.otlp import create_recorder

        _recorder = create_recorder(service)


@contextmanager
def trace(
    name: str, kind: Kind, traceparent: str | None, *, recorded: bool = True, **ids: str
) -> Iterator[Span]:
    """Work in the given trace, or a new one if it is absent or malformed; `ids` go on log lines."""
    parent = traceparent if _TRACEPARENT.fullmatch(traceparent or "") else None
    record = _recorder if recorded else _unrecorded
    with (
        record(name, kind, parent, ids) as span,
        log_context(trace_id=span.traceparent.split("-")[1], **ids),
    ):
        token = _current.set(span)
        try:
            yield span
        finally:
            _current.reset(token)


def current_traceparent() -> str:
    """Return the `traceparent` of what is done now, for what it causes; else of a new trace."""
    span = _current.get()
    return span.traceparent if span else _new_traceparent(None)


@contextmanager
def _unrecorded(
    _name: str, _kind: Kind, parent: str | None, _attributes: dict[str, str]
) -> Iterator[Span]:
    yield Span(_new_traceparent(parent))


def _new_traceparent(parent: str | None) -> str:
    trace_id = parent.split("-")[1] if parent else secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"


_recorder: Recorder = _unrecorded
