"""Access tokens for tests, signed by a key of the test's own."""

import time
from collections.abc import Collection, Iterable

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from common.db import new_id


class TestIssuer:
    """Signs tokens as auth does and is the `KeySource` that verifies them."""

    __test__ = False  # not a test class, whatever pytest thinks of its name
    url = "http://issuer.test"
    audience = "antiphon"

    def __init__(self) -> None:
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        self._key = jwt.PyJWK({**public, "kid": "test", "use": "sig", "alg": "ES256"})

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """See `common.auth.KeySource`."""
        return self._key if key_id == "test" else None

    def mint(
        self,
        *,
        user_id: str | None = None,
        scopes: Iterable[str] = (),
        roles: Collection[str] = ("listener",),
        session_id: str | None = None,
        lifetime: int = 600,
        **claims: object,
    ) -> str:
        """Return a signed access token; `claims` replace or add to the usual ones."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": self.audience,
            "sub": user_id or new_id(),
            "sid": session_id or new_id(),
            "client_id": "antiphon",
            "jti": new_id(),
            "iat": now,
            "exp": now + lifetime,
            "scope": " ".join([*scopes, *(["admin"] if "admin" in roles else [])]),
            "roles": list(roles),
        }
        headers = {"kid": "test", "typ": "at+jwt"}
        return jwt.encode(usual | claims, self.private_key, algorithm="ES256", headers=headers)
