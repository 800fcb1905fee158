"""Checking access tokens: JWTs in the RFC 9068 profile, checked as RFC 8725 advises."""

import time
from collections import OrderedDict
from threading import Lock

import jwt

from common.auth.access import Identity
from common.auth.jwks import JwksClient, KeySource
from common.auth.revocations import RevocationList
from common.db import Database
from common.errors import Unauthorized
from common.settings import ServiceSettings

ALGORITHMS = ("ES256", "RS256")
_CLOCK_SKEW = 5
_CACHE_SIZE = 10_000


class TokenVerifier:
    """Verifies a token once and remembers it until it expires; revocations always count."""

    def __init__(
        self, keys: KeySource, *, issuer: str, audience: str, revocations: RevocationList
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._revocations = revocations
        self._verified: OrderedDict[str, Identity] = OrderedDict()
        self._lock = Lock()

    def verify(self, token: str) -> Identity:
        """Return whose token it is; raises Unauthorized, or Unavailable if no key can be had."""
        identity = self._verified.get(token)
        if identity is None:
            identity = self._check(token)
            self._remember(token, identity)
        if identity.expires_at + _CLOCK_SKEW <= time.time():
            raise Unauthorized("The access token has expired; refresh it.")
        if self._revocations.covers(identity):
            raise Unauthorized("The access token has been revoked; log in again.")
        return identity

    def _remember(self, token: str, identity: Identity) -> None:
        with self._lock:
            self._verified[token] = identity
            if len(self._verified) > _CACHE_SIZE:
                self._verified.popitem(last=False)

    def _check(self, token: str) -> Identity:
        try:
            header = jwt.get_unverified_header(token)
            # RFC 9068 §4: anything but an access token (an ID token, say) is refused.
            if str(header.get("typ", "")).lower().removeprefix("application/") != "at+jwt":
                raise Unauthorized("This is not an access token.")
            key = self._keys.find(str(header.get("kid", "")))
            # The algorithm is the key's own: the header's word only has to agree with it.
            if key is None or key.algorithm_name not in ALGORITHMS:
                raise Unauthorized("The access token was signed by an unknown key.")
            claims = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_CLOCK_SKEW,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "jti", "client_id"]},
            )
            return _identity(claims)
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The access token has expired; refresh it.") from error
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise Unauthorized("The access token is not valid.") from error


def create_verifier(
    settings: ServiceSettings, database: Database, keys: KeySource | None = None
) -> TokenVerifier:
    """Return what checks tokens for a service: by the issuer's JWKS unless `keys` are given."""
    return TokenVerifier(
        keys or JwksClient(settings.jwks_url),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        revocations=RevocationList(database),
    )


def _identity(claims: dict[str, object]) -> Identity:
    roles, scope = claims.get("roles", []), claims.get("scope", "")
    if not isinstance(roles, list) or not isinstance(scope, str):
        raise ValueError("roles must be a list and scope a string")
    return Identity(
        user_id=str(claims["sub"]),
        session_id=str(claims.get("sid", "")),
        roles=frozenset(map(str, roles)),
        scopes=frozenset(scope.split()),
        issued_at=int(str(claims["iat"])),
        expires_at=int(str(claims["exp"])),
    )
