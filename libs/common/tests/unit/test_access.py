import pytest

from common.auth import Access, Identity
from common.errors import Forbidden


def _identity(*, roles: set[str], scopes: set[str]) -> Identity:
    return Identity("me", "s", frozenset(roles), frozenset(scopes), 0, 0)


def test_scope_and_role_must_both_be_there() -> None:
    access = Access(scope="a:read", role="admin")
    _identity(roles={"admin"}, scopes={"a:read", "admin"}).check(access)
    refused = [
        ({"admin"}, {"admin"}),
        (set(), {"a:read", "admin"}),
        ({"admin"}, {"a:read"}),  # an administrator's token that was narrowed
    ]
    for roles, scopes in refused:
        with pytest.raises(Forbidden):
            _identity(roles=roles, scopes=scopes).check(access)


def test_owners_and_administrators_may_edit() -> None:
    assert _identity(roles=set(), scopes=set()).may_edit("me")
    assert not _identity(roles=set(), scopes=set()).may_edit("you")
    assert _identity(roles={"admin"}, scopes={"admin"}).may_edit("you")
    assert not _identity(roles={"admin"}, scopes=set()).may_edit("you")
