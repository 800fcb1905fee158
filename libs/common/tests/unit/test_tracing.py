import pytest
import structlog

from common.tracing import TraceContext, current_context, trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_a_trace_goes_on_under_a_new_span() -> None:
    with trace("process", "consumer", PARENT, "vendor=1,other=a:b", event_id="7"):
        inside = current_context()
        assert structlog.contextvars.get_contextvars() == {"trace_id": TRACE, "event_id": "7"}
    assert inside.trace_id == TRACE
    assert inside.traceparent != PARENT
    assert inside.tracestate == "vendor=1,other=a:b"
    assert structlog.contextvars.get_contextvars() == {}


@pytest.mark.parametrize("flags", ["00", "01"])
def test_who_began_a_trace_decides_whether_it_is_sampled(flags: str) -> None:
    with trace("process", "consumer", PARENT[:-2] + flags, None) as span:
        assert span.context.traceparent.endswith(f"-{flags}")


def test_a_malformed_trace_is_replaced() -> None:
    with trace("request", "server", "not a trace\nforged log line", "vendor=1") as span:
        assert "forged" not in span.context.traceparent
        assert span.context.tracestate is None
        assert span.context == current_context()


@pytest.mark.parametrize("odd", ["", "v=\n", "v=\x7f", "v=é", "v=" + "1" * 511])
def test_a_malformed_tracestate_is_dropped(odd: str) -> None:
    with trace("request", "server", PARENT, odd) as span:
        assert span.context == TraceContext(span.context.traceparent, None)
        assert span.context.trace_id == TRACE


def test_what_belongs_to_no_trace_starts_one() -> None:
    assert current_context() != current_context()
