"""Which words somebody may have meant: those of the index that are one typo away."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from catalog.models import SearchWord

_SHORTEST = 4
_MOST_CANDIDATES = 2_000
_MOST_MEANT = 8


def correct(session: Session, words: Sequence[str]) -> list[list[str]] | None:
    """Return for each word what it may mean, or None if nothing is misspelled.

    The last word counts as known when a word begins with it.
    """
    meant = [_meanings(session, word, is_last=word == words[-1]) for word in words]
    return meant if meant != [[word] for word in words] else None


def is_one_typo_away(one: str, other: str) -> bool:
    """Whether one letter too many, too few, wrong, or two swapped make `one` into `other`."""
    start = _common_start(one, other)
    one, other = one[start:], other[start:]
    end = _common_start(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])


def _meanings(session: Session, word: str, *, is_last: bool) -> list[str]:
    if len(word) < _SHORTEST:
        return [word]
    known = _starts_with(word) if is_last else SearchWord.word == word
    if session.scalar(select(SearchWord.word).where(known).limit(1)) is not None:
        return [word]
    # A typo leaves one half of the word as it was, so one of two indexes leads to the word meant.
    half = (len(word) - 1) // 2
    backwards = word[::-1]
    candidates = session.scalars(
        select(SearchWord.word)
        .where(
            or_(
                _starts_with(word[:half]),
                SearchWord.backwards.startswith(backwards[:half], autoescape=True),
            )
        )
        .limit(_MOST_CANDIDATES)
    )
    close = [candidate for candidate in candidates if is_one_typo_away(word, candidate)]
    return sorted(close)[:_MOST_MEANT] or [word]


def _starts_with(start: str) -> ColumnElement[bool]:
    return SearchWord.word.startswith(start, autoescape=True)


def _common_start(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
