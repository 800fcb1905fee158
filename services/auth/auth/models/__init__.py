"""The rows of auth's schema."""

from auth.models.keys import SigningKey
from auth.models.receipts import ErasureReceipt
from auth.models.schema import Base
from auth.models.sessions import RefreshToken, UserSession
from auth.models.users import Role, User

__all__ = ["Base", "ErasureReceipt", "RefreshToken", "Role", "SigningKey", "User", "UserSession"]
