"""Handing out links to what a listener may hear."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.auth import Identity
from media.models import Asset, Track
from media.services.links import LinkSigner


@dataclass(frozen=True)
class Progressive:
    """A rendition as one plain file."""

    bitrate_kbps: int
    codec: str
    url: str


@dataclass(frozen=True)
class Playback:
    """Everything a player needs for one track, good until `expires_at`."""

    hls_url: str
    progressive: list[Progressive]
    download_url: str | None
    loudness: dict[str, Any] | None
    duration_ms: int | None
    expires_at: datetime


def open_playback(signer: LinkSigner, track: Track, asset: Asset, identity: Identity) -> Playback:
    """Sign links to a playable asset; a download only where the owner allows it, or is asking."""
    attempt = asset.attempt or 0
    token, expires_at = signer.sign(asset.id, attempt)
    download_url = None
    if track.downloadable or identity.may_edit(asset.owner_id):
        download_url = f"/media/{signer.sign(asset.id, attempt, download=True)[0]}/original"
    return Playback(
        hls_url=f"/media/{token}/master.m3u8",
        progressive=[
            Progressive(r.bitrate_kbps, r.codec, f"/media/{token}/{r.name}.m4s")
            for r in asset.renditions
        ],
        download_url=download_url,
        loudness=asset.loudness,
        duration_ms=asset.duration_ms,
        expires_at=expires_at,
    )


def point_at(playlist: str, name: str, url: str) -> str:
    """Return a media playlist (RFC 8216) whose byte ranges are of `url`, not of the file `name`."""
    lines = playlist.splitlines()
    named = [
        url if line == name else line.replace(f'URI="{name}"', f'URI="{url}"') for line in lines
    ]
    return "\n".join(named) + "\n"
