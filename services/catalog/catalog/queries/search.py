"""Search: the one place that knows FTS5 (SQLite) and FULLTEXT (MySQL, MariaDB).

What a user types never reaches either syntax: only folded words of letters and digits do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from catalog.models import index_words, mark, words
from catalog.queries.albums import albums_by_id
from catalog.queries.artists import artists_by_id
from catalog.queries.spelling import correct
from catalog.queries.tracks import tracks_by_id
from catalog.queries.visibility import Item

Kind = Literal["track", "album", "artist"]

_BY_ID: dict[Kind, Callable[[Session, Sequence[str]], dict[str, Item]]] = {
    "track": tracks_by_id,
    "album": albums_by_id,
    "artist": artists_by_id,
}
_MOST_WORDS = 12
# Ranking costs about a microsecond a match: of more than this FTS5 ranks only the newest.
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
# All kinds in one pass: the index is read once, which is what costs. Ranks are below a hundred a
# word, but infinite, and then an error in arithmetic, while MySQL's statistics count no rows: after
# a restart soon after the first ones.
_FULLTEXT = text(
    "SELECT kind, subject_id FROM (SELECT kind, subject_id, ROW_NUMBER() OVER (PARTITION BY kind "
    "ORDER BY 4 * LEAST(MATCH (title) AGAINST (:ranking IN BOOLEAN MODE), 1e6) "
    "+ LEAST(MATCH (title, artist, album) AGAINST (:match IN BOOLEAN MODE), 1e6) DESC, id"
    ") AS place "
    "FROM search_document WHERE MATCH (title, artist, album) AGAINST (:match IN BOOLEAN MODE)"
    ") AS ranked WHERE place <= :limit ORDER BY kind, place"
)


@dataclass(frozen=True)
class Request:
    """What to find: words with their alternatives, and the title that would be an exact hit."""

    words: Sequence[Sequence[str]]
    title: str
    limit: int


def search(
    session: Session, query: str, kinds: Sequence[Kind], limit: int
) -> dict[str, list[Item]]:
    """Return for each kind the best matches, best first: every word, the last one as a prefix.

    When nothing matches, words that are one typo away from known ones are tried.
    """
    typed = words(query)[:_MOST_WORDS]
    title = " ".join(mark(index_words(query)))
    found = _search(session, Request([[word] for word in typed], title, limit), kinds)
    if typed and not any(found.values()):
        meant = correct(session, typed)
        if meant is not None:
            return _search(session, Request(meant, title, limit), kinds)
    return found


def _search(session: Session, request: Request, kinds: Sequence[Kind]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {f"{kind}s": [] for kind in _BY_ID}
    if request.words:
        sqlite = session.get_bind().dialect.name == "sqlite"
        ranked = (_match_fts5 if sqlite else _match_fulltext)(session, request, kinds)
        for kind in kinds:
            found[f"{kind}s"] = _show(session, kind, request, ranked[kind])
    return found


def _show(session: Session, kind: Kind, request: Request, ranked: Sequence[str]) -> list[Item]:
    values = {"kind": kind, "title": request.title, "limit": request.limit}
    exact = session.scalars(_EXACT, values)
    ids = list(dict.fromkeys([*exact, *ranked]))[: request.limit]
    items = _BY_ID[kind](session, ids) if ids else {}
    return [items[subject_id] for subject_id in ids if subject_id in items]


def _match_fts5(
    session: Session, request: Request, kinds: Sequence[Kind]
) -> dict[Kind, Sequence[str]]:
    *whole, last = request.words
    phrases = [_any_of(alternatives, '"{}"') for alternatives in whole]
    phrases.append(_any_of(last, '"{}"*'))
    found: dict[Kind, Sequence[str]] = {}
    for kind in kinds:
        match = f'kind : "{kind}" AND {{title artist album}} : ({" AND ".join(phrases)})'
        beyond = session.scalar(_FTS5_FIRST_RANKED, {"match": match, "most": _MOST_RANKED}) or 0
        values = {"match": match, "limit": request.limit, "beyond": beyond}
        found[kind] = session.scalars(_FTS5, values).all()
    return found


def _any_of(alternatives: Sequence[str], form: str) -> str:
    return f"({' OR '.join(form.format(word) for word in mark(alternatives))})"


def _match_fulltext(
    session: Session, request: Request, kinds: Sequence[Kind]
) -> dict[Kind, Sequence[str]]:
    *whole, last = [mark(alternatives) for alternatives in request.words]
    groups = [*whole, [f"{word}*" for word in last]]
    values = {
        "match": " ".join(f"+({' '.join(group)})" for group in groups),
        "ranking": " ".join(word for group in groups for word in group),
        "limit": request.limit,
    }
    rows = session.execute(_FULLTEXT, values).all()
    return {kind: [row.subject_id for row in rows if row.kind == kind] for kind in kinds}
