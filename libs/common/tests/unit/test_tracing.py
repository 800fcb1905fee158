import structlog

from common.tracing import current_traceparent, trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_trace_goes_on_under_a_new_span() -> None:
    parent = f"00-{TRACE}-00f067aa0ba902b7-01"
    with trace("process", "consumer", parent, event_id="7"):
        inside = current_traceparent()
        assert structlog.contextvars.get_contextvars() == {"trace_id": TRACE, "event_id": "7"}
    assert inside.split("-")[1] == TRACE
    assert inside != parent
    assert structlog.contextvars.get_contextvars() == {}


def test_a_malformed_trace_is_replaced() -> None:
    with trace("request", "server", "not a trace\nforged log line") as span:
        assert "forged" not in span.traceparent
        assert span.traceparent == current_traceparent()


def test_what_belongs_to_no_trace_starts_one() -> None:
    assert current_traceparent() != current_traceparent()
