"""What a route needs, declared on it and enforced before anything of the request is read."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from common.errors import Forbidden, Unauthorized

View = TypeVar("View", bound=Callable[..., object])

_ATTRIBUTE = "__access__"
# Not flask.g: workers import this package too, and should not have to carry Flask.
_identity: ContextVar["Identity | None"] = ContextVar("identity", default=None)


@dataclass(frozen=True)
class Access:
    """What a route needs: nothing (public), a scope, a role, or both."""

    public: bool = False
    scope: str | None = None
    role: str | None = None


@dataclass(frozen=True)
class Identity:
    """The bearer of a verified access token."""

    user_id: str
    session_id: str
    roles: frozenset[str]
    scopes: frozenset[str]
    issued_at: int
    expires_at: int

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator who lets this token act as one."""
        return "admin" in self.roles and "admin" in self.scopes

    def may_edit(self, owner_id: str) -> bool:
        """Whether what `owner_id` owns may be changed: by its owner and by administrators."""
        return self.is_admin or self.user_id == owner_id

    def check(self, access: Access) -> None:
        """Raise Forbidden unless the token carries what the route needs."""
        if access.scope and access.scope not in self.scopes:
            raise Forbidden(f"This needs the scope {access.scope}, which the token does not carry.")
        if access.role and not {access.role} <= self.roles & self.scopes:
            raise Forbidden(f"This needs the role {access.role} and a token with that scope.")


def public(view: View) -> View:
    """Declare that anybody may call this route."""
    setattr(view, _ATTRIBUTE, Access(public=True))
    return view


def requires(*, scope: str | None = None, role: str | None = None) -> Callable[[View], View]:
    """Declare the scope or role that this route needs; without either, just a valid token."""

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, Access(scope=scope, role=role))
        return view

    return mark


def access_of(view: Callable[..., object]) -> Access | None:
    """Return what a view declared, or None if it declared nothing."""
    access: Access | None = getattr(view, _ATTRIBUTE, None)
    return access


def set_identity(identity: Identity | None) -> None:
    """Note who is asking, for the rest of this request."""
    _identity.set(identity)


def current_identity() -> Identity:
    """Return who is asking; raises Unauthorized on a public route called without a token."""
    identity = _identity.get()
    if identity is None:
        raise Unauthorized("This needs an access token.")
    return identity


def identity_or_none() -> Identity | None:
    """Return who is asking, or None."""
    return _identity.get()
