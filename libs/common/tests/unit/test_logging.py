from common.logging import bind_trace, current_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_trace_goes_on_under_a_new_span() -> None:
    bind_trace(f"00-{TRACE}-00f067aa0ba902b7-01")
    first, second = current_traceparent(), current_traceparent()
    assert first.split("-")[1] == second.split("-")[1] == TRACE
    assert first != second


def test_a_malformed_trace_is_replaced() -> None:
    bind_trace("not a trace\nforged log line")
    assert "forged" not in current_traceparent()
