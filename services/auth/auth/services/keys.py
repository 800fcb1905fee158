"""Signing keys and the access tokens they sign (RFC 9068)."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auth.models import SigningKey
from auth.services.sessions import Grant
from common.db import Database, new_id, utcnow

_CLIENT_ID = "antiphon"
# How long a retired key still verifies: longer than any access token lives.
_VERIFIES_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class KeyPair:
    """A signing key, decrypted."""

    id: str
    private_key: ec.EllipticCurvePrivateKey
    public_jwk: dict[str, Any]


def rotate_signing_key(session: Session, passphrase: str) -> str:
    """Make a new key that signs from now on; tokens of the old one stay good. Returns its id."""
    for old in session.scalars(select(SigningKey).where(SigningKey.retired_at.is_(None))):
        old.retired_at = utcnow()
    private_key = ec.generate_private_key(ec.SECP256R1())
    pem = private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    key_id = _thumbprint(private_key)
    session.add(SigningKey(id=key_id, private_pem=pem.decode()))
    return key_id


class KeyRing:
    """The keys of this process: signs, verifies, and reads the table again now and then."""

    _MAX_AGE = 30.0

    def __init__(self, database: Database, passphrase: str, issuer: str, audience: str) -> None:
        self._database = database
        self._passphrase = passphrase
        self._issuer = issuer
        self._audience = audience
        self._pairs: list[KeyPair] = []
        self._loaded_at = float("-inf")
        self._lock = threading.Lock()

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return the public key with this id; auth needs no JWKS request to itself."""
        for pair in self._current():
            if pair.id == key_id:
                return jwt.PyJWK(pair.public_jwk)
        return None

    def public_jwks(self) -> dict[str, Any]:
        """Return the JWK Set (RFC 7517 §5) of all keys that still verify."""
        return {"keys": [pair.public_jwk for pair in self._current()]}

    def sign(self, grant: Grant, lifetime_seconds: int) -> str:
        """Return an access token for the grant."""
        now = int(time.time())
        pair = self._current()[0]
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": grant.user.id,
            "sid": grant.session_id,
            "client_id": _CLIENT_ID,
            "jti": new_id(),
            "iat": now,
            "exp": now + lifetime_seconds,
            "scope": grant.scope,
            "roles": [role.value for role in grant.user.roles],
        }
        headers = {"kid": pair.id, "typ": "at+jwt"}
        return jwt.encode(claims, pair.private_key, algorithm="ES256", headers=headers)

    def _current(self) -> Sequence[KeyPair]:
        if time.monotonic() - self._loaded_at > self._MAX_AGE or not self._pairs:
            with self._lock:
                self._pairs = self._load()
                self._loaded_at = time.monotonic()
        return self._pairs

    def _load(self) -> list[KeyPair]:
        with self._database.reading() as session:
            rows = session.scalars(_usable()).all()
        if not any(row.retired_at is None for row in rows):
            with self._database.transaction() as session:
                # Another process may have made the first key meanwhile.
                if not any(row.retired_at is None for row in session.scalars(_usable())):
                    rotate_signing_key(session, self._passphrase)
            with self._database.reading() as session:
                rows = session.scalars(_usable()).all()
        known = {pair.id: pair for pair in self._pairs}
        return [known.get(row.id) or self._decrypt(row) for row in rows]

    def _decrypt(self, row: SigningKey) -> KeyPair:
        key = serialization.load_pem_private_key(
            row.private_pem.encode(), self._passphrase.encode()
        )
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"signing key {row.id} is not an elliptic curve key")
        public = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return KeyPair(row.id, key, {**public, "kid": row.id, "use": "sig", "alg": "ES256"})


def _usable() -> Any:
    still = or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > utcnow() - _VERIFIES_FOR)
    return select(SigningKey).where(still).order_by(SigningKey.created_at.desc())


def _thumbprint(key: ec.EllipticCurvePrivateKey) -> str:
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return (
        base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")
    )
