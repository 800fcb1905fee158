"""Structured logs with request and trace ids (W3C Trace Context) on every line."""

import logging
import re
import secrets
import sys
from typing import Literal

# structlog imports rich where it is installed, as it is beside the command line. No service uses
# it, and it would take 5 MB in each of our 13 processes: hide it for a moment.
_rich = sys.modules.get("rich")
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402
from structlog.contextvars import (  # noqa: E402
    bind_contextvars,
    clear_contextvars,
    get_contextvars,
)

del sys.modules["rich"]
if _rich is not None:
    sys.modules["rich"] = _rich

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module, which takes an event's name and its fields."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def configure_logging(service: str, level: str, log_format: Literal["json", "console"]) -> None:
    """Send structlog and stdlib records to stdout, one line each."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {"service": service, **event},
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.getLogger("alembic").setLevel(logging.WARNING)


def bind_trace(traceparent: str | None = None, **ids: str) -> None:
    """Start a log context in the given trace, or in a new one if it is absent or malformed."""
    clear_contextvars()
    match = _TRACEPARENT.fullmatch(traceparent or "")
    trace_id = match[1] if match else secrets.token_hex(16)
    bind_contextvars(trace_id=trace_id, **ids)


def current_traceparent() -> str:
    """Return a `traceparent` for what this context causes; a new trace where there is none."""
    trace_id = get_contextvars().get("trace_id") or secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"
