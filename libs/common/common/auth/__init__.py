"""Who is asking: tokens verified locally, revocations through the bus, access declared by route."""

from common.auth.access import Access, Identity, current_identity, public, requires
from common.auth.jwks import JwksClient, KeySource
from common.auth.revocations import RevocationList, revoke
from common.auth.tokens import TokenVerifier

__all__ = [
    "Access",
    "Identity",
    "JwksClient",
    "KeySource",
    "RevocationList",
    "TokenVerifier",
    "current_identity",
    "public",
    "requires",
    "revoke",
]
