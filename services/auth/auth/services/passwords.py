"""Password hashes: argon2id with 19 MiB, two passes, one lane (OWASP's first choice)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_nobody = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Return the hash to store. Takes tens of milliseconds: call it outside a transaction."""
    return _hasher.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Say whether the password is right, taking as long for nobody's hash as for anybody's."""
    try:
        return _hasher.verify(password_hash or _nobody, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
