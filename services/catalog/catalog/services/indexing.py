"""Keeping `search_document` in step with what is published."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from catalog.models import (
    Album,
    Artist,
    Credit,
    SearchDocument,
    SearchWord,
    Track,
    TrackState,
    index_words,
    mark,
    unmark,
)

_BATCH = 500


def index_tracks(session: Session, track_ids: Iterable[str]) -> None:
    """Write the documents of these tracks anew; only published ones get one."""
    for ids in _batches(track_ids):
        artists = _credited_names(session, ids)
        rows = session.execute(
            select(Track.id, Track.title, Album.title.label("album"))
            .outerjoin(Album, Album.id == Track.album_id)
            .where(Track.id.in_(ids), Track.state == TrackState.PUBLISHED)
        )
        _replace(
            session,
            ids,
            [_document("track", row.id, row.title, artists[row.id], row.album) for row in rows],
        )


def index_albums(session: Session, album_ids: Iterable[str]) -> None:
    """Write the documents of these albums anew; only published ones get one."""
    for ids in _batches(album_ids):
        rows = session.execute(
            select(Album.id, Album.title, Artist.name)
            .join(Artist, Artist.id == Album.artist_id)
            .where(Album.id.in_(ids), Album.published_at.is_not(None))
        )
        _replace(
            session, ids, [_document("album", row.id, row.title, [row.name], None) for row in rows]
        )


def index_artists(session: Session, artist_ids: Iterable[str]) -> None:
    """Write the documents of these artists anew; only published ones get one."""
    for ids in _batches(artist_ids):
        rows = session.execute(
            select(Artist.id, Artist.name).where(
                Artist.id.in_(ids), Artist.published_at.is_not(None)
            )
        )
        _replace(session, ids, [_document("artist", row.id, row.name, [], None) for row in rows])


def index_renamed_artist(session: Session, artist_id: str) -> None:
    """Write the documents anew that name this artist."""
    index_artists(session, [artist_id])
    index_albums(session, session.scalars(select(Album.id).where(Album.artist_id == artist_id)))
    credited = select(Credit.track_id).where(Credit.artist_id == artist_id).distinct()
    index_tracks(session, session.scalars(credited))


def index_renamed_album(session: Session, album_id: str) -> None:
    """Write the documents anew that name this album."""
    index_albums(session, [album_id])
    index_tracks(session, session.scalars(select(Track.id).where(Track.album_id == album_id)))


def unindex(session: Session, subject_ids: Sequence[str]) -> None:
    """Take subjects out of search."""
    session.execute(delete(SearchDocument).where(SearchDocument.subject_id.in_(subject_ids)))


def _credited_names(session: Session, track_ids: Sequence[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    rows = session.execute(
        select(Credit.track_id, Artist.name)
        .join(Artist, Artist.id == Credit.artist_id)
        .where(Credit.track_id.in_(track_ids))
    )
    for row in rows:
        names[row.track_id].append(row.name)
    return names


def _document(
    kind: str, subject_id: str, title: str, artists: Sequence[str], album: str | None
) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject_id": subject_id,
        "title": _text([title]),
        "artist": _text(artists),
        "album": _text([album or ""]),
    }


def _text(names: Iterable[str]) -> str:
    return " ".join(word for name in names for word in mark(index_words(name)))


def _replace(session: Session, ids: Sequence[str], documents: list[dict[str, Any]]) -> None:
    unindex(session, ids)
    if documents:
        session.execute(insert(SearchDocument), documents)
        _learn_words(session, documents)


def _learn_words(session: Session, documents: list[dict[str, Any]]) -> None:
    """Note the documents' words for corrections; words of vanished documents do no harm."""
    texts = (document[name] for document in documents for name in ("title", "artist", "album"))
    # In order, so that two transactions do not wait for each other.
    found = sorted({unmark(word) for text in texts for word in text.split()})
    ignoring_known = (
        insert(SearchWord)
        .prefix_with("OR IGNORE", dialect="sqlite")
        .prefix_with("IGNORE", dialect="mysql")
        .prefix_with("IGNORE", dialect="mariadb")
    )
    session.execute(ignoring_known, [{"word": word, "backwards": word[::-1]} for word in found])


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    everything = list(ids)
    for start in range(0, len(everything), _BATCH):
        yield everything[start : start + _BATCH]
