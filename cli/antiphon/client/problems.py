"""Turning answers that are no success into exceptions."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from antiphon.client.errors import ApiError, FieldError, ServerBusyError

_TOO_MANY = 429


def check(response: requests.Response) -> None:
    """Raise ServerBusyError for 429 and 5xx, ApiError for the rest that is not 2xx."""
    status = response.status_code
    if status < 300:
        return
    if status < 400:
        target = response.headers.get("Location", "elsewhere")
        raise ApiError(status, f"The server sends this request to {target}; use that as --url")
    problem = _problem(response)
    busy = status == _TOO_MANY or status >= 500
    error = (ServerBusyError if busy else ApiError)(
        status,
        _detail(problem) or f"{response.request.method} {response.url}: {response.reason}",
        fields=_fields(problem),
        request_id=_text(problem, "request_id") or response.headers.get("X-Request-ID"),
    )
    if isinstance(error, ServerBusyError):
        error.retry_after = retry_after_seconds(response.headers.get("Retry-After"))
    raise error


def retry_after_seconds(header: str | None) -> float | None:
    """Read a Retry-After (RFC 9110 §10.2.3: seconds or a date); None if absent or unreadable."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _problem(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _text(problem: dict[str, Any], name: str) -> str | None:
    value = problem.get(name)
    return value if isinstance(value, str) and value else None


def _detail(problem: dict[str, Any]) -> str | None:
    # RFC 9457 for the API, RFC 6749 §5.2 for the token endpoint.
    names = ("detail", "title", "error_description", "error")
    return next((text for name in names if (text := _text(problem, name))), None)


def _fields(problem: dict[str, Any]) -> tuple[FieldError, ...]:
    errors = problem.get("errors")
    if not isinstance(errors, list):
        return ()
    return tuple(
        FieldError(str(item.get("field", "?")), str(item.get("message", "")))
        for item in errors
        if isinstance(item, dict)
    )
