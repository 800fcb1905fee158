"""Bodies of auth's requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from auth.models import Role, User
from common.web import Schema


def _fits(text: str, length: int) -> str:
    """Refuse what grows over its column when it is casefolded, as some letters do threefold."""
    if len(User.key(text)) > length:
        raise ValueError(f"has more than {length} characters when written in small letters")
    return text


Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$"
    ),
    AfterValidator(lambda text: _fits(text, 254)),
]
Username = Annotated[
    str,
    StringConstraints(pattern=r"^[\w.-]{3,40}$"),
    AfterValidator(lambda text: _fits(text, 80)),
]
DisplayName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
# No composition rules: length is what counts (NIST SP 800-63B §3.1.1.2).
Password = Annotated[SecretStr, Field(min_length=8, max_length=256)]


class Registration(Schema):
    """What it takes to make an account."""

    email: Email
    username: Username
    password: Password
    display_name: DisplayName | None = None


class ProfileChange(Schema):
    """What a user may change; what is absent stays."""

    display_name: DisplayName | None = None
    password: Password | None = None


class AccountChange(Schema):
    """What an administrator may change; what is absent stays."""

    roles: Annotated[list[Role], Field(min_length=1)] | None = None
    enabled: bool | None = None


class UserOut(Schema):
    """A user, as shown to themselves and to administrators."""

    id: str
    email: str
    username: str
    display_name: str
    roles: list[Role]
    enabled: bool
    created_at: datetime


class UserPath(Schema):
    """The user a path names."""

    user_id: UUID


class TokenOut(Schema):
    """A successful token response (RFC 6749 §5.1)."""

    access_token: str
    token_type: str
    expires_in: int = Field(description="Seconds.")
    refresh_token: str
    scope: str


class TokenErrorOut(Schema):
    """An error of the token endpoints (RFC 6749 §5.2)."""

    error: str
    error_description: str


class JwksOut(Schema):
    """A JWK Set (RFC 7517)."""

    keys: list[dict[str, str]]
