"""Misspelled queries."""

from collections.abc import Callable
from typing import Any

import pytest

Find = Callable[..., list[str]]


@pytest.fixture
def find(get: Callable[..., Any]) -> Find:
    def run(query: str) -> list[str]:
        return [track["title"] for track in get("/search", q=query)["tracks"]]

    return run


@pytest.fixture(autouse=True)
def library(publish: Callable[..., str]) -> None:
    publish("Bohemian Rhapsody", tags={"artist": "Queen", "album": "A Night at the Opera"})
    publish("Jóga", tags={"artist": "Björk", "album": "Homogenic"})
    publish("Bohemia", tags={"artist": "Quern", "album": None})


@pytest.mark.parametrize(
    "query",
    [
        "bohemian rapsody",
        "bohemian rhapsodyy",
        "bohemian rhapsoyd",
        "bohemian rhspsody",
        "hbohemian rhapsody",
        "obhemian rhapsody",
        "bohemain queen",
        "night opeera",
        "Rhapsodi",
    ],
)
def test_a_typo_in_a_word_is_forgiven(query: str, find: Find) -> None:
    assert find(query) == ["Bohemian Rhapsody"]


def test_every_word_that_is_close_counts(find: Find) -> None:
    assert sorted(find("quexn")) == ["Bohemia", "Bohemian Rhapsody"]  # Quern and Queen
    assert find("qeuen") == ["Bohemian Rhapsody"]
    assert find("bjork homogenik") == ["Jóga"]


@pytest.mark.parametrize("query", ["bohemian rpsody", "qxxen", "qee night", "jxga nothing", "%%%%"])
def test_what_is_too_far_off_finds_nothing(query: str, find: Find) -> None:
    assert find(query) == []


def test_right_words_are_not_bent(find: Find) -> None:
    assert find("queen") == ["Bohemian Rhapsody"]
    assert find("quern") == ["Bohemia"]
    assert find("joga queen") == []
