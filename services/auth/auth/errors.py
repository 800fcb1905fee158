"""Refusals that are auth's own."""

from typing import Literal

OAuthCode = Literal[
    "invalid_request", "invalid_grant", "invalid_scope", "unsupported_grant_type", "invalid_client"
]


class OAuthError(Exception):
    """An error of the token endpoints, answered as RFC 6749 §5.2 says."""

    def __init__(self, code: OAuthCode, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
