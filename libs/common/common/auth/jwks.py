"""Public keys of the token issuer (RFC 7517), fetched when needed and kept."""

import threading
import time
import urllib.request
from http.client import HTTPException
from typing import Protocol

import jwt

from common.errors import Unavailable
from common.logging import get_logger

log = get_logger(__name__)


class KeySource(Protocol):
    """Finds the public key that a token names."""

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key, or None if the issuer has no such key."""


class JwksClient:
    """A JWKS document behind a URL; an unknown key id fetches anew, at most every few seconds.

    While the issuer is away the keys known so far keep working.
    """

    _MAX_AGE = 300.0
    _MIN_PAUSE = 5.0
    _FIRST_PAUSE = 0.5

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = -self._MAX_AGE
        self._tried_at = -self._MIN_PAUSE
        self._lock = threading.Lock()

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """See `KeySource`; raises Unavailable if no key was ever fetched."""
        known = self._keys.get(key_id)
        if known is not None and time.monotonic() - self._fetched_at < self._MAX_AGE:
            return known
        # One request fetches. Who has the key need not wait for it, however old it is.
        if self._lock.acquire(blocking=known is None):
            try:
                self._refresh()
            finally:
                self._lock.release()
        return self._keys.get(key_id)

    def _refresh(self) -> None:
        # Forged key ids must not turn into a stream of requests to the issuer.
        now = time.monotonic()
        if now - self._tried_at >= (self._MIN_PAUSE if self._keys else self._FIRST_PAUSE):
            self._tried_at = now
            self._fetch()
        if not self._keys:
            raise Unavailable("Tokens cannot be checked now; try again shortly.")

    def _fetch(self) -> None:
        try:
            # The URL is a setting. One GET is not worth the 5 MB that requests would take.
            with urllib.request.urlopen(self._url, timeout=3) as response:  # noqa: S310
                keys = jwt.PyJWKSet.from_json(response.read().decode()).keys
        except (OSError, HTTPException, ValueError, jwt.PyJWTError) as error:
            log.warning("jwks_unavailable", url=self._url, error=repr(error))
            return
        self._keys = {key.key_id: key for key in keys if key.key_id}
        self._fetched_at = time.monotonic()
