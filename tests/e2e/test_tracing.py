"""One trace from the upload through events and jobs to the published track."""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, CLIENT_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STATE = "vendor=of-the-client"


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    trace: str
    id: str
    parent: str
    state: str


class Collector(ThreadingHTTPServer):
    """What an OpenTelemetry collector is for an exporter: it takes OTLP over HTTP."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _TakeSpans)
        self.spans: list[Span] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, trace: str) -> list[Span]:
        return [span for span in self.spans if span.trace == trace]

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            attributes = resource.resource.attributes
            (service,) = (a.value.string_value for a in attributes if a.key == "service.name")
            for scope in resource.scope_spans:
                self.spans += [
                    Span(
                        service,
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.trace_state,
                    )
                    for span in scope.spans
                ]


class _TakeSpans(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.take(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named there
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def suite(collector: Collector, start_antiphon: Callable[..., Any]) -> Iterator[Any]:
    """Antiphon with tracing on."""
    with tempfile.TemporaryDirectory(prefix="antiphon-e2e-") as folder:
        suite = start_antiphon(
            Path(folder),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_EXPORTER_OTLP_COMPRESSION="none",
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        yield suite
        assert suite.stop() == 0


def test_one_trace_from_upload_to_track(
    suite: Any,
    collector: Collector,
    make_person: Callable[[str], Any],
    make_audio: Callable[..., Path],
) -> None:
    person = make_person("tracy")
    person.http.headers["traceparent"] = f"00-{TRACE}-{CLIENT_SPAN}-01"
    person.http.headers["tracestate"] = STATE
    accepted = person.upload(make_audio("traced.mp3", title="Traced"))
    del person.http.headers["traceparent"], person.http.headers["tracestate"]
    assert person.wait_for_upload(accepted.json()["id"])["status"] == "published"

    expected = {
        ("media", "POST /api/v1/uploads"),
        ("media", "run media.describe"),
        ("media", "run media.transcode"),
        ("catalog", "process media.asset.described.v1"),
        ("catalog", "process media.asset.ready.v1"),
        ("media", "process catalog.track.published.v1"),
        ("playlist", "process catalog.track.published.v1"),
    }
    deadline = time.monotonic() + 15
    while missing := expected - {(span.service, span.name) for span in collector.of(TRACE)}:
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)

    spans = collector.of(TRACE)
    assert {span.state for span in spans} == {STATE}
    by_id = {span.id: span for span in spans}
    roots = [span for span in spans if span.parent not in by_id]
    assert [(span.name, span.parent) for span in roots] == [("POST /api/v1/uploads", CLIENT_SPAN)]
    for name, cause in (
        ("run media.describe", "POST /api/v1/uploads"),
        ("run media.transcode", "run media.describe"),
        ("process media.asset.ready.v1", "run media.transcode"),
        ("process catalog.track.published.v1", "process media.asset.ready.v1"),
    ):
        (parent,) = {by_id[span.parent].name for span in spans if span.name == name}
        assert parent == cause

    # The gateway has asked all of them how they are, every second.
    assert not {span.name for span in collector.spans} & {"GET /healthz", "GET /readyz"}
    logged = [json.loads(line) for line in _log_lines(suite.folder, "media.jobs")]
    ended = [line for line in logged if line.get("trace_id") == TRACE]
    requests = [json.loads(line) for line in _log_lines(suite.folder, "gateway")]
    given = accepted.headers["X-Request-Id"]
    assert [line["trace_id"] for line in requests if line.get("request_id") == given] == [TRACE]
    assert {line["job_kind"] for line in ended} == {"media.describe", "media.transcode"}


def _log_lines(folder: Path, process: str) -> list[str]:
    text = (folder / "logs" / f"{process}.log").read_text()
    return [line[line.index("{") :] for line in text.splitlines() if "{" in line]
