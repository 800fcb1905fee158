"""Whose eyes a query looks through."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, true

from catalog.models import Album, Artist, Track, TrackState
from common.auth import Identity


@dataclass(frozen=True)
class View:
    """What is shown: the published catalog, or everything that `owner_id` may see of their own."""

    owner_id: str | None = None
    """Only what this user owns."""
    own: bool = False
    """Also what only the owner may see."""

    def of(self, model: type[Artist | Album | Track]) -> ColumnElement[bool]:
        """Return the condition that rows of `model` meet."""
        mine = model.owner_id == self.owner_id if self.owner_id else true()
        return mine if self.own else mine & published(model)


PUBLIC = View()


def published(model: type[Artist | Album | Track]) -> ColumnElement[bool]:
    """Return the condition that everybody may see a row of `model`."""
    if model is Track:
        return Track.state == TrackState.PUBLISHED
    return model.published_at.is_not(None)


def may_see(viewer: Identity | None, owner_id: str, *, is_published: bool) -> bool:
    """Whether the viewer may know of something."""
    return is_published or (viewer is not None and viewer.may_edit(owner_id))


def view_of(viewer: Identity | None, owner_id: str) -> View:
    """Return what the viewer sees of the parts of something that `owner_id` owns."""
    if viewer is not None and viewer.may_edit(owner_id):
        return View(owner_id, own=True)
    return PUBLIC


Item = dict[str, Any]
"""One thing as the API shows it."""
