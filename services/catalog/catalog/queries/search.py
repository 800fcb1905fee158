"""Search: the one place that knows FTS5 (SQLite) and FULLTEXT (MySQL, MariaDB).

What a user types never reaches either syntax: only folded words of letters and digits do.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.models import mark, words
from catalog.queries.albums import albums_by_id
from catalog.queries.artists import artists_by_id
from catalog.queries.tracks import tracks_by_id
from catalog.queries.visibility import Item

Kind = Literal["track", "album", "artist"]

_BY_ID: dict[Kind, Callable[[Session, Sequence[str]], dict[str, Item]]] = {
    "track": tracks_by_id,
    "album": albums_by_id,
    "artist": artists_by_id,
}
_MOST_WORDS = 12
# Ranking costs about a microsecond a match: of more than this only the newest are ranked.
_MOST_RANKED = 5_000
_FTS5_FIRST_RANKED = text(
    "SELECT rowid FROM search_index WHERE search_index MATCH :match "
    "ORDER BY rowid DESC LIMIT 1 OFFSET :most"
)
# Weights of kind, title, artist and album.
_FTS5 = text(
    "SELECT d.subject_id FROM search_index JOIN search_document AS d ON d.id = search_index.rowid "
    "WHERE search_index MATCH :match AND search_index.rowid > :beyond "
    "ORDER BY bm25(search_index, 0.0, 10.0, 4.0, 2.0), d.id LIMIT :limit"
)
# What is called just like the query comes first; FULLTEXT does not mind how long a title is.
_EXACT = text(
    "SELECT subject_id FROM search_document WHERE kind = :kind AND title = :title LIMIT :limit"
)
_FULLTEXT = text(
    "SELECT subject_id FROM search_document "
    "WHERE kind = :kind AND MATCH (title, artist, album) AGAINST (:match IN BOOLEAN MODE) "
    "ORDER BY 4 * MATCH (title) AGAINST (:ranking IN BOOLEAN MODE) "
    "+ MATCH (title, artist, album) AGAINST (:match IN BOOLEAN MODE) DESC, id LIMIT :limit"
)


def search(
    session: Session, query: str, kinds: Sequence[Kind], limit: int
) -> dict[str, list[Item]]:
    """Return for each kind the best matches, best first: every word, the last one as a prefix."""
    wanted = mark(words(query)[:_MOST_WORDS])
    return {
        f"{kind}s": _find(session, kind, wanted, limit) if wanted and kind in kinds else []
        for kind in _BY_ID
    }


def _find(session: Session, kind: Kind, wanted: Sequence[str], limit: int) -> list[Item]:
    sqlite = session.get_bind().dialect.name == "sqlite"
    ranked = (_match_fts5 if sqlite else _match_fulltext)(session, kind, wanted, limit)
    values = {"kind": kind, "title": " ".join(wanted), "limit": limit}
    exact = session.scalars(_EXACT, values)
    ids = list(dict.fromkeys([*exact, *ranked]))[:limit]
    found = _BY_ID[kind](session, ids) if ids else {}
    return [found[subject_id] for subject_id in ids if subject_id in found]


def _match_fts5(session: Session, kind: Kind, wanted: Sequence[str], limit: int) -> Sequence[str]:
    phrases = " AND ".join(f'"{word}"' for word in wanted)
    match = f'kind : "{kind}" AND {{title artist album}} : ({phrases}*)'
    beyond = session.scalar(_FTS5_FIRST_RANKED, {"match": match, "most": _MOST_RANKED}) or 0
    values = {"match": match, "limit": limit, "beyond": beyond}
    return session.scalars(_FTS5, values).all()


def _match_fulltext(
    session: Session, kind: Kind, wanted: Sequence[str], limit: int
) -> Sequence[str]:
    values = {
        "kind": kind,
        "match": " ".join(f"+{word}" for word in wanted) + "*",
        "ranking": " ".join(wanted) + "*",
        "limit": limit,
    }
    return session.scalars(_FULLTEXT, values).all()
