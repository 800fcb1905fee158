"""What can go wrong, in the words of a use case. HTTP statuses are `common.web`'s business."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldError:
    """One wrong input: where it is (dotted path) and what is wrong with it."""

    field: str
    message: str


class ServiceError(Exception):
    """A refusal that the caller can understand: `detail` says what was wrong and what to do."""

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class Invalid(ServiceError):
    """The input is well-formed but not acceptable."""


class Malformed(ServiceError):
    """The input cannot be read at all."""


class Unauthorized(ServiceError):
    """Nobody has proven who is asking."""


class Forbidden(ServiceError):
    """The caller is known and may not do this."""


class NotFound(ServiceError):
    """There is no such thing, or the caller may not know of it."""


class Conflict(ServiceError):
    """The state of the thing does not allow this."""


class PreconditionFailed(ServiceError):
    """The caller's copy is stale (RFC 9110 §13.1.1)."""


class TooLarge(ServiceError):
    """More bytes than the service takes."""


class UnsupportedMediaType(ServiceError):
    """Bytes of a kind the service does not take."""


class Unavailable(ServiceError):
    """Something the service needs does not answer now; trying again later may work."""
