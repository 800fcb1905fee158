"""Spans by OpenTelemetry, sent over OTLP/HTTP; imported only where that is configured."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.tracing import Kind, Recorder, Span, TraceContext

_KINDS = {"server": SpanKind.SERVER, "consumer": SpanKind.CONSUMER}
_propagator = TraceContextTextMapPropagator()


class RecordedSpan(Span):
    """A span that is sent to the collector when it ends."""

    def __init__(self, span: trace.Span) -> None:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier, trace.set_span_in_context(span))
        super().__init__(TraceContext(**carrier))
        self._span = span

    def describe(self, name: str, **attributes: str | int) -> None:
        """Rename the span and add to its attributes."""
        self._span.update_name(name)
        self._span.set_attributes(attributes)

    def fail(self, error: BaseException) -> None:
        """Mark the span as failed, with the exception as its event."""
        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, type(error).__name__))


def create_recorder(service: str) -> Recorder:
    """Return what opens spans of a service; reads OpenTelemetry's environment variables."""
    resource = Resource.create({"service.namespace": "antiphon", "service.name": service})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("antiphon")

    @contextmanager
    def record(
        name: str, kind: Kind, parent: TraceContext | None, attributes: dict[str, str]
    ) -> Iterator[Span]:
        context = _propagator.extract(_headers(parent) if parent else {})
        with tracer.start_as_current_span(
            name, context=context, kind=_KINDS[kind], attributes=attributes
        ) as span:
            yield RecordedSpan(span)

    return record


def _headers(context: TraceContext) -> dict[str, str]:
    return {name: value for name, value in context._asdict().items() if value}
