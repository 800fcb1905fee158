"""Finding what a listener may hear."""

from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session

from common.auth import Identity
from media.errors import NotPlayable
from media.models import Asset, Track


def find_playable(session: Session, track_id: str, identity: Identity) -> tuple[Track, Asset]:
    """Return the track and its ready asset: published, or the caller's own. Raises NotPlayable."""
    query = select(Track, Asset).join(
        Asset, and_(Asset.id == Track.asset_id, Asset.owner_id == Track.owner_id)
    )
    found = session.execute(query.where(Track.id == track_id, Track.deleted.is_(False))).first()
    if found is None:
        raise NotPlayable
    track, asset = found
    if not asset.is_ready or not (track.is_published or identity.may_edit(asset.owner_id)):
        raise NotPlayable
    return track, asset


def may_see_asset(session: Session, asset: Asset, identity: Identity) -> bool:
    """Whether the caller may look at an asset: at their own, or at a published track's."""
    published = exists().where(
        Track.asset_id == asset.id, Track.state == "published", Track.deleted.is_(False)
    )
    return identity.may_edit(asset.owner_id) or bool(session.scalar(select(published)))
