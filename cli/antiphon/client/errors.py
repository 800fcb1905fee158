"""What can go wrong between this command and an Antiphon."""

from dataclasses import dataclass


class ClientError(Exception):
    """A request that did not work; the text says what was wrong and what to do."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a refused body."""

    field: str
    detail: str


class ApiError(ClientError):
    """The server refused: status and the problem it reported (RFC 9457)."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        fields: tuple[FieldError, ...] = (),
        request_id: str | None = None,
    ) -> None:
        self.status, self.detail, self.fields, self.request_id = status, detail, fields, request_id
        text = detail + "".join(f"; {item.field}: {item.detail}" for item in fields)
        super().__init__(
            f"{text} (HTTP {status}" + (f", request {request_id})" if request_id else ")")
        )


class RetryableError(ClientError):
    """What may work when tried again; `retry_after` is how long the server asks to wait (s)."""

    retry_after: float | None = None


class ServerUnreachableError(RetryableError):
    """No connection, or it broke before an answer."""


class ServerBusyError(RetryableError, ApiError):
    """The server answered 429 or 5xx."""


class LoginError(ClientError):
    """The user name or the password is wrong, or the login has ended."""
