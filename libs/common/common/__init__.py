"""Mechanism that the services share; nothing here knows what they are about."""

import os
import sys

OPENTELEMETRY_IS_ON = any(
    os.environ.get(name)
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
)
if not OPENTELEMETRY_IS_ON:
    # redis-py imports it wherever it is installed, which would take 5 MB in each process.
    sys.modules["opentelemetry"] = None  # type: ignore[assignment]
