"""Builds a service's Flask application: ids, access, errors, ETags, health, documents."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Request, Response, current_app, g, request
from flask_openapi import APIBlueprint, Info, OpenAPI
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from common.auth.access import Access, access_of, set_identity
from common.auth.tokens import TokenVerifier
from common.cache import Cache
from common.db import Database, is_undone, new_id
from common.errors import Malformed, Unauthorized, UnsupportedMediaType
from common.logging import get_logger
from common.tracing import trace
from common.web.cors import register_cors
from common.web.health import register_health
from common.web.idempotency import KeyedTransaction, is_repeatable
from common.web.metrics import register_metrics
from common.web.problems import Problem, problem, register_error_handlers, validation_problem

log = get_logger(__name__)

_NEXT_CURSOR = re.compile(rb'"next_cursor":"([^"]+)"\}\s*$')
_CURSOR_BYTES = 1100
_READ_ON_SECONDS = 20
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class JsonRequest(Request):
    """A request whose JSON is read by orjson and refused clearly when it is none (RFC 8259)."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ARG002
        """Return the body; raises Malformed or UnsupportedMediaType, silent or not."""
        if not self.is_json and not force:
            raise UnsupportedMediaType("Send the body as application/json.")
        try:
            return orjson.loads(self.get_data(cache=cache))
        except orjson.JSONDecodeError as error:
            raise Malformed(f"The body is not valid JSON: {error}.") from error


class ServiceApp(OpenAPI):
    """Flask with OpenAPI that turns pydantic models, dicts and lists into JSON by orjson."""

    request_class = JsonRequest

    def dispatch_request(self) -> Any:
        """Answer; once more if the database undid a request that may come twice anyway."""
        try:
            return super().dispatch_request()
        except DBAPIError as error:
            if not (is_undone(error) and is_repeatable()):
                raise
            log.warning("request_tried_again", error=repr(error.orig))
            return super().dispatch_request()

    def make_response(self, rv: Any) -> Response:
        """Accept `body`, `(body, status)` and `(body, status, headers)`."""
        body, *rest = rv if isinstance(rv, tuple) else (rv,)
        if isinstance(body, BaseModel):
            body = Response(body.model_dump_json(), mimetype="application/json")
        elif isinstance(body, dict | list):
            text = orjson.dumps(body, option=orjson.OPT_UTC_Z)
            body = Response(text, mimetype="application/json")
        return super().make_response((body, *rest) if rest else body)


def create_service_app(
    name: str,
    *,
    database: Database,
    verifier: TokenVerifier,
    apis: Sequence[APIBlueprint],
    cors_origins: Sequence[str] = (),
    cache: Cache | None = None,
    open_scopes: frozenset[str] = frozenset(),
    max_body_bytes: int | None = 1 << 20,
) -> ServiceApp:
    """Assemble a service. Routes that need only a scope in `open_scopes` are open to all."""
    app = ServiceApp(
        name,
        info=Info(title=f"Antiphon {name}", version="1"),
        doc_ui=False,
        static_folder=None,
        validation_error_callback=validation_problem,
        validation_error_model=Problem,
    )
    app.openapi_version = "3.1.0"
    app.url_map.merge_slashes = False  # a 404, no redirect in HTML
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.config["OPEN_SCOPES"] = open_scopes
    app.extensions |= {"database": database, "verifier": verifier, "cache": cache}
    # gunicorn on a unix socket sees no peer and believes any X-Forwarded-Proto: trust one hop. Not
    # for the host: an ALB passes on what a client says there.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    app.before_request(_begin)
    register_cors(app, cors_origins)
    app.before_request(_check_access)
    register_error_handlers(app)
    register_health(app)
    register_metrics(app)
    for api in apis:
        app.register_api(api)
    app.after_request(_finish)
    app.teardown_request(_end_trace)
    return app


@contextmanager
def writing() -> Iterator[Session]:
    """Open the request's one transaction; one that `idempotent` commits goes on afterwards."""
    keyed: KeyedTransaction | None = g.get("keyed_transaction")
    if keyed is not None:
        yield keyed.session()
        keyed.session().flush()
        return
    database: Database = current_app.extensions["database"]
    with database.transaction() as session:
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """Open a session for queries."""
    database: Database = current_app.extensions["database"]
    with database.reading() as session:
        yield session


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
    g.started = time.perf_counter()
    g.until_answered = ExitStack()
    g.span = g.until_answered.enter_context(
        trace(
            "request",
            "server",
            request.headers.get("traceparent"),
            request.headers.get("tracestate"),
            recorded=request.path not in _PROBES,
            request_id=g.request_id,
        )
    )


def _check_access() -> Response | None:
    if request.url_rule is None:  # nothing there: the 404 or 405 follows
        return None
    access = access_of(current_app.view_functions[request.endpoint or ""])
    if access is None:
        log.error("route_without_access", rule=str(request.url_rule))
        return problem(500, "This route does not say who may use it.")
    set_identity(None)
    header = request.headers.get("Authorization")
    if header is None and _is_open(access):
        return None
    if header is None:
        raise Unauthorized("This needs an access token: send it as `Authorization: Bearer …`.")
    set_identity(_identify(header, access))
    return None


def _identify(header: str, access: Access) -> Any:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        if access.public:  # such as HTTP Basic of an OAuth client
            return None
        raise Unauthorized("The Authorization header must be `Bearer` and an access token.")
    if access.public:
        return None
    identity = current_app.extensions["verifier"].verify(token)
    identity.check(access)
    return identity


def _is_open(access: Access) -> bool:
    open_scopes: frozenset[str] = current_app.config["OPEN_SCOPES"]
    return access.public or (access.role is None and access.scope in open_scopes)


def _link_next_page(response: Response) -> None:
    """Repeat a list's `next_cursor` as a Link (RFC 8288); cached bodies are only bytes here."""
    found = _NEXT_CURSOR.search(response.get_data(), len(response.get_data()) - _CURSOR_BYTES)
    if found:
        arguments = [(k, v) for k, v in request.args.items(multi=True) if k != "cursor"]
        query = urlencode([*arguments, ("cursor", found[1].decode())])
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'


def _read_on() -> None:
    """Read what nobody read of the body, for a while.

    Who still sends when the connection closes gets a reset, not the answer (RFC 9112 §9.6).
    """
    if not request.content_length and not request.environ.get("wsgi.input_terminated"):
        return
    deadline = time.monotonic() + _READ_ON_SECONDS
    with suppress(OSError):  # the client went away
        while time.monotonic() < deadline and request.environ["wsgi.input"].read(1 << 16):
            pass


def _finish(response: Response) -> Response:
    route = str(request.url_rule) if request.url_rule else "none"
    about: dict[str, str | int] = {
        "http.request.method": request.method,
        "http.route": route,
        "http.response.status_code": response.status_code,
    }
    g.span.describe(f"{request.method} {route}", **about)
    _read_on()
    if request.method in ("GET", "HEAD") and response.status_code == 200 and response.is_json:
        response = _conditional(response)
    response.headers["X-Request-Id"] = g.get("request_id", "")
    # https://w3c.github.io/trace-context/#trace-context-http-response-headers-format
    response.headers["traceresponse"] = g.span.context.traceparent
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def _end_trace(_error: BaseException | None) -> None:
    g.pop("until_answered").close()


def _conditional(response: Response) -> Response:
    """Tag what was read, and answer 304 or 412 if the request asks for it (RFC 9110 §13)."""
    response.add_etag()
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.vary.add("Authorization")
    if not response.direct_passthrough:  # a file that is streamed is no list
        _link_next_page(response)
    response.make_conditional(request)
    if response.status_code == 412:  # Werkzeug leaves the body as it was
        response.close()
        return problem(412, "`If-Match` names an older version.")
    return response
