"""Whether the services agree with one another, and with what users were told."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from tests.faults.suite.audit import count_events, read_jobs
from tests.faults.suite.harness import Suite
from tests.faults.suite.writers import Journal

from catalog.models import Album as CatalogAlbum
from catalog.models import Artist as CatalogArtist
from catalog.models import PlayCount, PlayDay
from catalog.models import Track as CatalogTrack
from media.models import Track as MediaTrack
from media.models import Upload
from playlist.models import Album, Artist, Entry, Play, Playlist, SavedTrack
from playlist.models import Track as PlaylistTrack

Row = tuple[Any, ...]


def disagreements(
    suite: Suite, journals: Sequence[Journal], *, all_stayed: bool = True
) -> list[str]:
    """Return what does not fit together; nothing when all is well.

    `journals` are those of all users that there are. Plays of users who are gone stay counted, so
    that counts can only be compared when `all_stayed`.
    """
    return [
        *_read_models(suite),
        *_plays(suite, journals),
        *(_play_counts(suite) if all_stayed else []),
        *_uploads(suite, journals),
        *_playlists(suite, journals),
        *_likes(suite, journals),
    ]


def count_doubles(suite: Suite) -> int:
    """Return how many effects there are too many: completions of an asset, tracks of an asset."""
    media = suite.database("media")
    kinds = ("media.asset.described.v1", "media.asset.ready.v1")
    doubled = [n - 1 for kind in kinds for n in count_events(media, kind).values()]
    plays = _play_totals(suite) - Counter(_counted_plays(suite))
    return sum(doubled) + plays.total()


def _read_models(suite: Suite) -> list[str]:
    mirrors: list[tuple[str, Any, Sequence[Any], str, Any, Sequence[Any]]] = [
        (
            "catalog",
            CatalogTrack,
            [CatalogTrack.title, CatalogTrack.owner_id, CatalogTrack.state],
            "playlist",
            PlaylistTrack,
            [PlaylistTrack.title, PlaylistTrack.owner_id, PlaylistTrack.state],
        ),
        (
            "catalog",
            CatalogTrack,
            [CatalogTrack.asset_id, CatalogTrack.owner_id, CatalogTrack.state],
            "media",
            MediaTrack,
            [MediaTrack.asset_id, MediaTrack.owner_id, MediaTrack.state],
        ),
        ("catalog", CatalogArtist, [CatalogArtist.name], "playlist", Artist, [Artist.name]),
        ("catalog", CatalogAlbum, [CatalogAlbum.title], "playlist", Album, [Album.title]),
    ]
    found = []
    for source, model, columns, reader, mirror, mirrored in mirrors:
        ours = _rows(suite, source, [model.id, model.version, *columns])
        theirs = _rows(
            suite, reader, [mirror.id, mirror.src_version, *mirrored], mirror.deleted.is_(False)
        )
        found += _differences(f"{reader}.{mirror.__tablename__}", ours, theirs)
    return found


def _plays(suite: Suite, journals: Sequence[Journal]) -> list[str]:
    told = {(j.user_id, play, track) for j in journals for play, track in j.plays.items()}
    kept = _rows(suite, "playlist", [Play.user_id, Play.id, Play.track_id])
    return _differences("plays", told, kept)


def _play_counts(suite: Suite) -> list[str]:
    counted = set(Counter(_counted_plays(suite)).items())
    by_day = _rows(
        suite, "catalog", [PlayDay.track_id, func.sum(PlayDay.total)], group=PlayDay.track_id
    )
    return [
        *_differences("play counts", counted, set(_play_totals(suite).items())),
        *_differences("plays by day", counted, {(track, int(n)) for track, n in by_day}),
    ]


def _uploads(suite: Suite, journals: Sequence[Journal]) -> list[str]:
    told = {(upload, asset) for j in journals for upload, asset in j.uploads.items()}
    rows = _rows(suite, "media", [Upload.id, Upload.asset_id, Upload.status, Upload.track_id])
    rows_of_tracks = _rows(suite, "catalog", [CatalogTrack.asset_id, CatalogTrack.id])
    tracks: dict[str, str] = dict(rows_of_tracks)
    wanted = {(upload, asset, "published", tracks.get(asset)) for upload, asset in told}
    jobs = read_jobs(suite.database("media"))
    unfinished = [f"job {row}" for row in jobs if row.state not in ("done", "cancelled")]
    return [*_differences("uploads", wanted, rows), *unfinished]


def _playlists(suite: Suite, journals: Sequence[Journal]) -> list[str]:
    told = {(p, len(tracks)) for j in journals for p, tracks in j.playlists.items()}
    entries = Counter((p, t) for j in journals for p, tracks in j.playlists.items() for t in tracks)
    kept: Counter[Row] = Counter()
    with suite.database("playlist").reading() as session:
        kept.update(
            tuple(row) for row in session.execute(select(Entry.playlist_id, Entry.track_id))
        )
    return [
        *_differences(
            "playlists", told, _rows(suite, "playlist", [Playlist.id, Playlist.entry_count])
        ),
        *_differences("entries", set(entries.items()), set(kept.items())),
    ]


def _likes(suite: Suite, journals: Sequence[Journal]) -> list[str]:
    told = {(j.user_id, t) for j in journals for t, liked in j.likes.items() if liked}
    columns = [SavedTrack.user_id, SavedTrack.track_id]
    return _differences("likes", told, _rows(suite, "playlist", columns, SavedTrack.saved))


def _play_totals(suite: Suite) -> Counter[str]:
    return Counter(dict(_rows(suite, "catalog", [PlayCount.track_id, PlayCount.total])))


def _counted_plays(suite: Suite) -> Iterable[str]:
    with suite.database("playlist").reading() as session:
        return session.scalars(select(Play.track_id).where(Play.counted)).all()


def _rows(
    suite: Suite, service: str, columns: Sequence[Any], where: Any = None, group: Any = None
) -> set[Row]:
    query = select(*columns)
    query = query if where is None else query.where(where)
    query = query if group is None else query.group_by(group)
    with suite.database(service).reading() as session:
        return {tuple(row) for row in session.execute(query)}


def _differences(what: str, expected: set[Any], found: set[Any]) -> list[str]:
    return [
        *(f"{what}: missing {row}" for row in expected - found),
        *(f"{what}: unexpected {row}" for row in found - expected),
    ]
