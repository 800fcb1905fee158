"""Requests that make something may come twice: the Idempotency-Key header field.

See draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, TypeVar, cast

import orjson
from flask import Response, abort, current_app, g, request
from sqlalchemy.orm import Session

from common.auth.access import identity_or_none
from common.db import Database
from common.errors import Malformed
from common.idempotency import Answer, KeyedRequest, claim, keep, reserve
from common.logging import get_logger

log = get_logger(__name__)

View = TypeVar("View", bound=Callable[..., object])

HEADER = "Idempotency-Key"
# Where nobody proves who they are, the key is all that tells callers apart: as long as a UUID.
PUBLIC_KEY_LENGTH = 32
_ATTRIBUTE = "__idempotent__"
# Visible ASCII, bare or as a string of RFC 9651.
_KEY = re.compile(r'"([!#-\[\]-~]{1,128})"|([!#-\[\]-~]{1,128})')
_IDEMPOTENT_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")


class _AnsweredError(Exception):
    """The request had its answer already."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class KeyedTransaction:
    """The transaction of a request with a key: begun by `writing`, committed with the answer."""

    def __init__(self, key: str, stack: ExitStack) -> None:
        identity = identity_or_none()
        self._user_id = identity.user_id if identity else None
        self._request = _describe(key, self._user_id)
        self._stack = stack
        self._session: Session | None = None

    def session(self) -> Session:
        """Return the transaction's session; the first call begins it and claims the key."""
        if self._session is None:
            database: Database = current_app.extensions["database"]
            reserve(database, self._request)
            session = self._stack.enter_context(database.transaction())
            answer = claim(session, self._request)
            if answer is not None:
                raise _AnsweredError(answer)
            self._session = session
        return self._session

    def belongs_to(self, user_id: str) -> None:
        """Note whose data the answer holds, on a route that does not ask who is calling."""
        self._user_id = user_id

    def keep(self, response: Response) -> None:
        """Store the answer, to be committed with what it tells of."""
        if not 200 <= response.status_code < 300:
            abort(response)  # rolls back: an error is not kept, so that a retry may succeed
        if response.cache_control.no_store:
            raise RuntimeError("an answer with secrets must not be stored")
        if self._session is not None:
            headers = {
                name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers
            }
            answer = Answer(response.status_code, headers, response.get_data(as_text=True))
            keep(self._session, self._request, answer, self._user_id)


def idempotent(view: View) -> View:
    """Let a request that comes again with its Idempotency-Key get the answer of the first one.

    What `writing` did and the answer are committed together, so that there are both or neither. A
    second request that comes meanwhile waits. Only success is kept.
    """

    @wraps(view)
    def answer_once(*args: Any, **kwargs: Any) -> Any:
        key = _given_key()
        if key is None:
            return view(*args, **kwargs)
        try:
            with ExitStack() as stack:
                g.keyed_transaction = transaction = KeyedTransaction(key, stack)
                response = current_app.make_response(cast("Any", view(*args, **kwargs)))
                transaction.keep(response)
        except _AnsweredError as known:
            log.info("answered_again", rule=str(request.url_rule))
            return Response(known.answer.body, known.answer.status, known.answer.headers)
        finally:
            g.pop("keyed_transaction", None)
        return response

    setattr(answer_once, _ATTRIBUTE, True)
    return cast("View", answer_once)


def is_idempotent(view: Callable[..., object]) -> bool:
    """Whether a view heeds the Idempotency-Key."""
    return getattr(view, _ATTRIBUTE, False)


def is_repeatable() -> bool:
    """Whether doing the request once more is as good as doing it once (RFC 9110 §9.2.2).

    Not if its body is a stream, which cannot be read again.
    """
    if request.content_length and not request.is_json:
        return False
    view = current_app.view_functions[request.endpoint or ""]
    return request.method in _IDEMPOTENT_METHODS or (
        is_idempotent(view) and HEADER in request.headers
    )


def answer_belongs_to(user_id: str) -> None:
    """Note whose data the answer of a public route holds: it is erased with their account."""
    transaction: KeyedTransaction | None = g.get("keyed_transaction")
    if transaction is not None:
        transaction.belongs_to(user_id)


def _given_key() -> str | None:
    given = request.headers.get(HEADER)
    if given is None:
        return None
    found = _KEY.fullmatch(given.strip())
    if found is None:
        raise Malformed(f"{HEADER} must be 1 to 128 visible ASCII characters, such as a UUID.")
    key = str(found[1] or found[2])
    if identity_or_none() is None and len(key) < PUBLIC_KEY_LENGTH:
        raise Malformed(
            f"{HEADER} must have at least {PUBLIC_KEY_LENGTH} characters here, such as a UUID: "
            "nothing else says that it is yours."
        )
    return key


def _describe(key: str, user_id: str | None) -> KeyedRequest:
    scope = f"{user_id or ''}\n{request.method} {request.url_rule}\n{key}"
    # The same JSON may be written in another order.
    body = orjson.dumps(request.get_json(), option=orjson.OPT_SORT_KEYS)
    asked = request.full_path.encode() + b"\n" + body
    return KeyedRequest(
        digest=hashlib.sha256(scope.encode()).hexdigest(),
        # Keyed: bodies may hold a password, which nobody shall guess from a plain hash.
        fingerprint=hmac.new(key.encode(), asked, "sha256").hexdigest(),
    )
