"""What is known of a recording, and how it looks."""

from array import array
from typing import Any

from flask_openapi import APIBlueprint

from common.auth import current_identity, requires
from common.web import reading
from media.errors import AssetNotFound
from media.events import cover_url
from media.http.schemas import (
    AssetOut,
    AssetPath,
    CoverOut,
    LoudnessOut,
    RenditionOut,
    WaveformOut,
)
from media.models import Asset, WaveformRow
from media.queries.tracks import may_see_asset
from media.queries.uploads import find_asset, find_waveform

api = APIBlueprint("assets", __name__, url_prefix="/api/v1/media/assets")


@api.get("/<uuid:asset_id>", responses={200: AssetOut})
@requires(scope="uploads:read")
def read_asset(path: AssetPath) -> Any:
    """Read everything about one of one's recordings."""
    with reading() as session:
        return _asset_out(find_asset(session, str(path.asset_id), current_identity()))


@api.get("/<uuid:asset_id>/waveform", responses={200: WaveformOut})
@requires(scope="playback:read")
def read_waveform(path: AssetPath) -> Any:
    """Read the waveform of one's own recording or of a published track."""
    with reading() as session:
        asset = session.get(Asset, str(path.asset_id))
        if asset is None or not may_see_asset(session, asset, current_identity()):
            raise AssetNotFound
        return _waveform_out(find_waveform(session, asset.id))


def _asset_out(asset: Asset) -> AssetOut:
    cover, loudness = asset.cover, asset.loudness
    return AssetOut(
        **{name: getattr(asset, name) for name in _PLAIN},
        cover=CoverOut(
            url=cover_url(asset.id, cover["sha256"]), width=cover["width"], height=cover["height"]
        )
        if cover
        else None,
        loudness=LoudnessOut(**loudness) if loudness else None,
        renditions=[RenditionOut.model_validate(r, extra="ignore") for r in asset.renditions],
    )


_PLAIN = AssetOut.model_fields.keys() - {"cover", "loudness", "renditions"}


def _waveform_out(row: WaveformRow) -> WaveformOut:
    data = array("b", row.data)
    return WaveformOut(
        sample_rate=row.sample_rate,
        samples_per_pixel=row.samples_per_pixel,
        length=len(data) // 2,
        data=list(data),
    )
