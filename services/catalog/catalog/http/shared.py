"""Answers that everybody shares, and those for an owner's eyes only."""

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.queries.visibility import PUBLIC, Item, View
from catalog.services.changes import CACHE_GROUP
from common.auth import Identity, current_identity
from common.auth.access import identity_or_none
from common.errors import NotFound
from common.web import cached_json, reading


def show_list(owner_id: UUID | Literal["me"] | None, load: Callable[[Session, View], Item]) -> Any:
    """Answer with what everybody sees, from the cache; for `me` with all of one's own, fresh."""
    if owner_id == "me":
        return read(lambda session: load(session, View(current_identity().user_id, own=True)))
    view = View(str(owner_id)) if owner_id else PUBLIC
    return cached_json(CACHE_GROUP, load=lambda: read(lambda session: load(session, view)))


def show_one(kind: str, find: Callable[[Session, Identity | None], Item | None]) -> Any:
    """Answer with what everybody sees, from the cache; what nobody else sees, fresh to its owner.

    Raises NotFound.
    """
    shared = cached_json(CACHE_GROUP, load=lambda: read(lambda session: find(session, None)))
    if shared.data != b"null":
        return shared
    viewer = identity_or_none()
    own = read(lambda session: find(session, viewer)) if viewer else None
    if own is None:
        raise NotFound(f"There is no such {kind}.")
    return own


def read(load: Callable[[Session], Any]) -> Any:
    """Run `load` in a session for queries."""
    with reading() as session:
        return load(session)
