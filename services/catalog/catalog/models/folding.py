"""How names are compared: folded to keys, and split into the words that search matches."""

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f]")
# Letters that Unicode does not decompose but that people type without their strokes.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"}
)
_ACRONYM = re.compile(r"\b(?:\w\.){2,}\w?|\b(?:\w\.)+\w\b")
_APOSTROPHES = re.compile("(?<=\\w)['’ʼ](?=\\w)")
# Scripts written without spaces: Han, kana, and the syllables of Hangul.
_UNSPACED = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
_LONGEST_WORD = 60


def fold(text: str) -> str:
    """Return the form in which names are compared: no case, no accents, single spaces.

    Only the combining marks of Latin, Greek and Cyrillic go; elsewhere they tell letters apart.
    """
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", decomposed)).translate(_LETTERS)
    return " ".join(unicodedata.normalize("NFC", bare).split())


def name_key(name: str, length: int = 500) -> str:
    """Return the folded name, cut to what the column holds."""
    return fold(name)[:length]


def words(text: str) -> list[str]:
    """Return the folded words of `text` in order; runs of CJK become pairs of characters.

    A name of signs only, such as "!!!", becomes one word of its own.
    """
    found = [word for run in _runs(text) for word in _split_unspaced(run)]
    if not found and (signs := "".join(fold(text).split()).replace("\0", "")):
        return ["signs" + signs.encode("utf-8", "ignore").hex()[:_LONGEST_WORD]]
    return [word[:_LONGEST_WORD] for word in found]


def index_words(text: str) -> list[str]:
    """Return `words` and what else finds them: the last character of each run of CJK.

    A query of one character matches the start of a pair, which the last one never is.
    """
    unspaced = [found for run in _runs(text) for found in _UNSPACED.findall(run)]
    return words(text) + [found[-1] for found in unspaced if len(found) > 1]


def _runs(text: str) -> list[str]:
    """Return runs of letters, marks and digits: nothing else reaches an index."""
    folded = _APOSTROPHES.sub("", fold(text))
    folded = _ACRONYM.sub(lambda found: found[0].replace(".", ""), folded)
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return "".join(kept).split()


def _split_unspaced(run: str) -> list[str]:
    found, end = [], 0
    for match in _UNSPACED.finditer(run):
        found += [run[end : match.start()], *_pairs(match[0])]
        end = match.end()
    return [word for word in (*found, run[end:]) if word]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
