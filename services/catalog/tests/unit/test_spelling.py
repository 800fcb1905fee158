import pytest

from catalog.queries.spelling import is_one_typo_away


@pytest.mark.parametrize("typo", ["quen", "queeen", "queem", "uqeen", "quene", "ueen", "queens"])
def test_one_typo_is_forgiven(typo: str) -> None:
    assert is_one_typo_away(typo, "queen")
    assert is_one_typo_away("queen", typo)


@pytest.mark.parametrize("word", ["qen", "euqen", "eueen!", "green", "quoin", "neeuq", "queenss"])
def test_two_are_not(word: str) -> None:
    assert not is_one_typo_away(word, "queen")


def test_a_word_is_no_typo_of_itself() -> None:
    assert is_one_typo_away("queen", "queen")
