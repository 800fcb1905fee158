"""One trace through requests, events and jobs (W3C Trace Context, level 1).

Trace ids are always there, for logs; spans are recorded only where OpenTelemetry is configured by
its own variables, and only then is it imported.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Literal, NamedTuple

from common import OPENTELEMETRY_IS_ON
from common.logging import log_context

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
# Vendors' own keys and values, which nobody else reads: only what any header may hold.
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}")

Kind = Literal["server", "consumer"]


class TraceContext(NamedTuple):
    """Where in which trace something happens: the two headers of W3C Trace Context."""

    traceparent: str
    tracestate: str | None = None

    @property
    def trace_id(self) -> str:
        """The 32 hexadecimal digits that all of a trace have in common."""
        return self.traceparent.split("-")[1]


class Span:
    """A piece of work in a trace; this class records nothing."""

    def __init__(self, context: TraceContext) -> None:
        self.context = context

    def describe(self, name: str, **attributes: str | int) -> None:
        """Say what is known of the work only later."""

    def fail(self, error: BaseException) -> None:
        """Note an error that ends the work but is not raised."""


Recorder = Callable[[str, Kind, TraceContext | None, dict[str, str]], AbstractContextManager[Span]]
"""Opens a span: name, kind, parent, attributes."""

_current: ContextVar[Span | None] = ContextVar("span", default=None)


def configure_tracing(service: str) -> None:
    """Record spans if the environment names an OTLP endpoint (OpenTelemetry's own variables)."""
    global _recorder
    if OPENTELEMETRY_IS_ON:
        from common.otlp import create_recorder

        _recorder = create_recorder(service)


@contextmanager
def trace(
    name: str,
    kind: Kind,
    traceparent: str | None,
    tracestate: str | None,
    *,
    recorded: bool = True,
    **ids: str,
) -> Iterator[Span]:
    """Work in the given trace, or a new one if it is absent or malformed; `ids` go on log lines."""
    parent = _parse(traceparent or "", tracestate or "")
    record = _recorder if recorded else _unrecorded
    with (
        record(name, kind, parent, ids) as span,
        log_context(trace_id=span.context.trace_id, **ids),
    ):
        token = _current.set(span)
        try:
            yield span
        finally:
            _current.reset(token)


def current_context() -> TraceContext:
    """Return the context of what is done now, for what it causes; else of a new trace."""
    span = _current.get()
    return span.context if span else _child_of(None)


def _parse(traceparent: str, tracestate: str) -> TraceContext | None:
    if not _TRACEPARENT.fullmatch(traceparent):
        return None
    return TraceContext(traceparent, tracestate if _TRACESTATE.fullmatch(tracestate) else None)


@contextmanager
def _unrecorded(
    _name: str, _kind: Kind, parent: TraceContext | None, _attributes: dict[str, str]
) -> Iterator[Span]:
    yield Span(_child_of(parent))


def _child_of(parent: TraceContext | None) -> TraceContext:
    if parent is None:
        return TraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")
    # Who began the trace decides whether it is sampled: the flags stay.
    flags = parent.traceparent[-2:]
    child = f"00-{parent.trace_id}-{secrets.token_hex(8)}-{flags}"
    return parent._replace(traceparent=child)


_recorder: Recorder = _unrecorded
