"""Who is asking: tokens verified locally, revocations through the bus, access declared by route.

What checks tokens is in `common.auth.tokens`, apart: workers need none of it.
"""

from common.auth.access import Access, Identity, current_identity, public, requires
from common.auth.revocations import revoke

__all__ = ["Access", "Identity", "current_identity", "public", "requires", "revoke"]
