"""Every error as RFC 9457 problem details, mapped in one place."""

from http import HTTPStatus

import orjson
from flask import Flask, Response, g, request
from pydantic import Field, ValidationError
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from common import errors
from common.db import is_race, is_refusal
from common.logging import get_logger
from common.web.schemas import Schema

log = get_logger(__name__)

STATUS: dict[type[errors.ServiceError], int] = {
    errors.Malformed: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.PreconditionFailed: 412,
    errors.TooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.Invalid: 422,
    errors.Unavailable: 503,
}
_RETRY_SECONDS = "2"


class ProblemField(Schema):
    """One wrong input."""

    field: str = Field(examples=["body.title"])
    message: str


class Problem(Schema):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str
    errors: tuple[ProblemField, ...] = ()


def problem(
    status: int,
    detail: str,
    fields: tuple[errors.FieldError, ...] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Build a problem response."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": g.get("request_id", ""),
    }
    if fields:
        body["errors"] = [{"field": field.field, "message": field.message} for field in fields]
    response = Response(orjson.dumps(body), status, mimetype="application/problem+json")
    response.headers.update(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers.setdefault("WWW-Authenticate", _challenge(detail))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", _RETRY_SECONDS)
    return response


def validation_problem(error: ValidationError) -> Response:
    """Say which fields are wrong and how (422)."""
    fields = tuple(
        errors.FieldError(".".join(map(str, item["loc"])) or "body", item["msg"])
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    )
    return problem(422, "Some of the input is not acceptable; see errors.", fields)


def register_error_handlers(app: Flask) -> None:
    """Answer every exception with a problem; nothing else in the suite maps errors to HTTP."""
    app.register_error_handler(errors.ServiceError, _service_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(IntegrityError, _conflict)
    app.register_error_handler(DataError, _unfit)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _service_error(error: errors.ServiceError) -> Response:
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return problem(status, error.detail, error.errors)


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    headers = {
        name: value
        for name, value in error.get_headers()
        if name in ("Allow", "Retry-After", "Content-Range")
    }
    status = error.code or 500
    detail = error.description or HTTPStatus(status).description
    if status == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.path}."
    return problem(status, detail, headers=headers)


def _conflict(error: IntegrityError) -> Response:
    if not is_race(error):
        return _unexpected(error)
    log.warning("integrity_error", error=repr(error.orig))
    return problem(409, "Somebody changed the same thing at the same time; read it and try again.")


def _unfit(error: DataError) -> Response:
    log.warning("data_error", error=repr(error.orig))
    return problem(422, "Some of the input is longer or larger than what can be kept.")


def _database_away(error: Exception) -> Response:
    if isinstance(error, DBAPIError) and is_refusal(error):
        return _unexpected(error)
    log.error("database_unavailable", error=repr(error))
    return problem(503, "The service cannot reach its database; try again shortly.")


def _unexpected(error: Exception) -> Response:
    g.span.fail(error)
    log.error("unexpected_error", method=request.method, path=request.path, exc_info=error)
    return problem(500, "Something went wrong on our side; the request id helps us find it.")


def _challenge(detail: str) -> str:
    # RFC 6750 §3: no error code when the request carried no token at all.
    if "Authorization" not in request.headers:
        return 'Bearer realm="antiphon"'
    return f'Bearer realm="antiphon", error="invalid_token", error_description="{detail}"'
