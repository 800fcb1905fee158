"""Making, changing and removing tracks."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.events import TrackPublished, TrackUpdated, track_event, track_gone
from catalog.models import Album, Artist, Asset, Track, TrackState
from catalog.services.access import find_to_edit
from catalog.services.albums import publish_album, remove_unused_album, replace_cover
from catalog.services.artists import publish_artists, remove_unused_artists
from catalog.services.changes import record
from catalog.services.credits import CreditSpec, make_credits
from catalog.services.genres import follow_state, set_genres
from catalog.services.indexing import index_tracks, unindex
from common.auth import Identity
from common.errors import Conflict, FieldError, Forbidden, Invalid, NotFound

_PLAIN_FIELDS = ("downloadable", "cover_url")


def create_track(session: Session, owner_id: str, fields: dict[str, Any]) -> Track:
    """Make a draft without audio from the fields that `update_track` knows."""
    track = Track(owner_id=owner_id, genres=[])
    track.place(None, None)
    track.retitle(fields["title"])
    session.add(track)
    session.flush()
    _set_fields(session, track, fields)
    record(session, track_event(TrackUpdated, track))
    return track


def update_track(
    session: Session, editor: Identity, track_id: str, changes: dict[str, Any]
) -> Track:
    """Set what `changes` holds: title, album_id, credits, numbers, genres, cover_url, state, …

    Raises Invalid for an album or artist of somebody else, and Conflict for publishing a track
    that has no audio.
    """
    track = find_to_edit(session, Track, track_id, editor)
    was_published, album_id = track.is_published, track.album_id
    artists = [credit.artist for credit in track.credits]
    _set_fields(session, track, changes)
    if "state" in changes:
        _set_state(track, changes["state"])
    track.change()
    tell_change(session, track, was_published=was_published)
    left = set(artists) - {credit.artist for credit in track.credits}
    _remove_unused(session, album_id if album_id != track.album_id else None, left)
    return track


def tell_change(session: Session, track: Track, *, was_published: bool) -> None:
    """Record the track's new state, and show its album and artists once it is published."""
    if track.is_published:
        artists = [credit.artist for credit in track.credits]
        if track.album is not None:
            publish_album(session, track.album, artists)
        else:
            publish_artists(session, artists)
    if track.is_published != was_published:
        follow_state(session, track)
    appeared = track.is_published and not was_published
    record(session, track_event(TrackPublished if appeared else TrackUpdated, track))
    if track.is_published or was_published:
        index_tracks(session, [track.id])


def delete_track(session: Session, editor: Identity, track_id: str) -> None:
    """Remove a track for good: later news of its audio does not bring it back."""
    # The asset first, as consumers do it, so that the two never wait for each other.
    asset_id = session.scalar(select(Track.asset_id).where(Track.id == track_id))
    asset = session.get(Asset, asset_id, with_for_update=True) if asset_id else None
    track = find_to_edit(session, Track, track_id, editor)
    if asset is not None:
        asset.track_deleted = True
    remove_track(session, track)


def delete_tracks(
    session: Session, editor: Identity, track_ids: Sequence[str]
) -> list[tuple[str, str]]:
    """Remove many tracks; return for each id whether it was `deleted`, `not_found`, `forbidden`."""
    return [(track_id, _try_to_delete(session, editor, track_id)) for track_id in track_ids]


def remove_track(session: Session, track: Track) -> None:
    """Take a track away, and the album and artists that only it had made necessary."""
    artists, album_id = [credit.artist for credit in track.credits], track.album_id
    track.change()
    record(session, track_gone(track))
    unindex(session, [track.id])
    session.delete(track)
    session.flush()
    _remove_unused(session, album_id, artists, cover_url=track.cover_url)


def _try_to_delete(session: Session, editor: Identity, track_id: str) -> str:
    try:
        delete_track(session, editor, track_id)
    except NotFound:
        return "not_found"
    except Forbidden:
        return "forbidden"
    return "deleted"


def _set_fields(session: Session, track: Track, fields: dict[str, Any]) -> None:
    if "title" in fields:
        track.retitle(fields["title"])
    if "album_id" in fields:
        track.album = _own_album(session, track.owner_id, fields["album_id"])
    if "credits" in fields:
        set_credits(session, track, fields["credits"])
    if {"disc_number", "track_number"} & fields.keys():
        track.place(
            fields.get("disc_number", track.disc_number),
            fields.get("track_number", track.track_number),
        )
    if "genres" in fields:
        set_genres(session, track, fields["genres"])
    for name in _PLAIN_FIELDS:
        setattr(track, name, fields.get(name, getattr(track, name)))
    session.flush()


def set_credits(session: Session, track: Track, specs: Sequence[CreditSpec]) -> None:
    """Replace the track's credits."""
    made = make_credits(session, track.owner_id, specs)
    track.credits.clear()
    session.flush()
    track.credits.extend(made)
    session.flush()


def _set_state(track: Track, state: TrackState) -> None:
    if state != TrackState.PUBLISHED:
        track.state = state
    elif track.has_audio:
        track.publish()
    else:
        raise Conflict("The track has no audio that can be played; upload a file first.")


def _own_album(session: Session, owner_id: str, album_id: str | None) -> Album | None:
    album = session.get(Album, album_id) if album_id else None
    if album_id and (album is None or album.owner_id != owner_id):
        raise Invalid(
            "A track can only be on an album of the same owner.",
            [FieldError("album_id", f"there is no album {album_id} of this owner")],
        )
    return album


def _remove_unused(
    session: Session,
    album_id: str | None,
    artists: Iterable[Artist],
    cover_url: str | None = None,
) -> None:
    """Take away what only a track had made necessary, also the picture that came with it."""
    album = session.get(Album, album_id) if album_id else None
    if album is not None:
        artists = [*artists, album.artist]
        if not remove_unused_album(session, album) and cover_url is not None:
            others = (Track.album_id == album.id) & Track.cover_url.is_not(None)
            other = session.scalar(select(Track.cover_url).where(others).limit(1))
            replace_cover(session, album, cover_url, other)
    remove_unused_artists(session, artists)
    session.flush()
