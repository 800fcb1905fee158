"""Tracks that follow media's assets: drafted when described, published when ready."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.events import AssetRefused
from catalog.models import Album, Asset, Credit, Lyrics, Track, TrackState
from catalog.services.albums import find_or_create_album
from catalog.services.artists import find_or_create_artist
from catalog.services.credits import make_credits, read_artist_tag
from catalog.services.genres import set_genres
from catalog.services.tracks import remove_track, tell_change
from common.events import emit

_FIRST_YEAR = 1000  # MySQL's DATE begins there
_LONGEST_FAILURE = 1000
_REFUSAL = (
    "The recording could not be taken into the catalog, for reasons of ours. Upload the file again "
    "later; if that does not help, tell whoever runs this service."
)


@dataclass(frozen=True)
class Labels:
    """What the uploader and the file's tags say, the uploader's word first."""

    filename: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    album_artist: str | None = None
    track_number: int | None = None
    disc_number: int | None = None
    year: int | None = None
    genres: Sequence[str] = ()
    lyrics: str | None = None
    cover_url: str | None = None


@dataclass(frozen=True)
class Recording:
    """The audio of an asset: milliseconds, LUFS, dBTP and LU as measured, None when not yet."""

    asset_id: str
    owner_id: str
    labels: Labels | None
    """None until the file has been described."""
    duration_ms: int | None = None
    integrated_lufs: float | None = None
    true_peak_dbtp: float | None = None
    range_lu: float | None = None


def draft_track(session: Session, recording: Recording) -> None:
    """Make the track that its owner sees while the audio is prepared."""
    track = _prepare(session, recording)
    if track is not None:
        track.failure = None
        tell_change(session, track, was_published=track.is_published)


def publish_track(session: Session, recording: Recording) -> None:
    """Show the track to everybody, unless its owner has hidden it."""
    track = _prepare(session, recording)
    if track is not None:
        was_published = track.is_published
        track.has_audio, track.failure = True, None
        if track.state != TrackState.HIDDEN:
            track.publish()
        tell_change(session, track, was_published=was_published)


def fail_track(session: Session, recording: Recording, failure: str) -> None:
    """Tell the owner why there is no audio; the draft stays for another attempt."""
    track = _prepare(session, recording)
    if track is not None:
        track.failure = failure[:_LONGEST_FAILURE]
        tell_change(session, track, was_published=track.is_published)


def refuse_recording(session: Session, asset_id: str, version: int) -> None:
    """Tell media that this state of an asset was given up, unless a newer one was taken over."""
    asset = session.get(Asset, asset_id)
    if asset is None or asset.src_version < version:
        emit(session, AssetRefused(id=asset_id, version=version, reason=_REFUSAL))


def remove_recording(session: Session, asset_id: str) -> None:
    """Remove the track of an asset that is gone."""
    track = _track_of(session, asset_id)
    if track is not None:
        remove_track(session, track)


def _prepare(session: Session, recording: Recording) -> Track | None:
    """Return the asset's track, made if need be, with what was measured.

    None if the owner deleted it, or if nothing is known of the file that a track could show.
    """
    asset = session.get(Asset, recording.asset_id)
    if asset is not None and asset.track_deleted:
        return None
    track = _track_of(session, recording.asset_id)
    if track is not None:
        track.change()
    elif recording.labels is None:
        return None
    else:
        track = _create(session, recording, recording.labels)
    track.duration_ms = recording.duration_ms
    track.integrated_lufs = recording.integrated_lufs
    track.true_peak_dbtp = recording.true_peak_dbtp
    track.range_lu = recording.range_lu
    return track


def _create(session: Session, recording: Recording, labels: Labels) -> Track:
    owner_id = recording.owner_id
    credited = make_credits(session, owner_id, read_artist_tag(labels.artist))
    track = Track(
        owner_id=owner_id,
        asset_id=recording.asset_id,
        state=TrackState.DRAFT,
        cover_url=labels.cover_url,
        has_lyrics=bool(labels.lyrics),
        album=_album(session, owner_id, labels, credited),
        credits=credited,
        genres=[],
    )
    track.retitle(labels.title or _stem(labels.filename) or "Untitled")
    track.place(labels.disc_number, labels.track_number)
    session.add(track)
    session.flush()
    set_genres(session, track, labels.genres)
    if labels.lyrics:
        session.add(Lyrics(track_id=track.id, plain=labels.lyrics))
    return track


def _album(
    session: Session, owner_id: str, labels: Labels, credited: Sequence[Credit]
) -> Album | None:
    if not labels.album:
        return None
    named = labels.album_artist
    artist = find_or_create_artist(session, owner_id, named) if named else credited[0].artist
    dated = labels.year is not None and labels.year >= _FIRST_YEAR
    return find_or_create_album(
        session,
        artist,
        labels.album,
        release_date=date(labels.year, 1, 1) if labels.year and dated else None,
        cover_url=labels.cover_url,
    )


def _stem(filename: str) -> str:
    # Browsers of old send whole paths, on Windows with backslashes.
    return PurePosixPath(filename.replace("\\", "/")).stem.strip()


def _track_of(session: Session, asset_id: str) -> Track | None:
    found = select(Track).where(Track.asset_id == asset_id).with_for_update()
    return session.scalars(found).first()
