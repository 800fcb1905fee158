"""Which genres a track is of."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from catalog.models import Genre, Track, TrackGenre, name_key


def set_genres(session: Session, track: Track, names: Sequence[str]) -> None:
    """Make the track be of these genres, each once; unknown ones are added to the vocabulary."""
    wanted = {key: name for name in reversed(names) if (key := name_key(name))}
    wanted = dict(reversed(wanted.items()))
    known = {
        genre.name_key: genre
        for genre in session.scalars(select(Genre).where(Genre.name_key.in_(wanted)))
    }
    for key in wanted.keys() - known.keys():
        known[key] = Genre(name=wanted[key], name_key=key)
        session.add(known[key])
    session.flush()
    track.genres = [known[key].name for key in wanted]
    session.execute(delete(TrackGenre).where(TrackGenre.track_id == track.id))
    if wanted:
        row = {"track_id": track.id, "published": track.is_published}
        session.execute(insert(TrackGenre), [row | {"genre_id": known[key].id} for key in wanted])


def follow_state(session: Session, track: Track) -> None:
    """Count the track in its genres if it is published."""
    session.execute(
        update(TrackGenre)
        .where(TrackGenre.track_id == track.id)
        .values(published=track.is_published)
    )
