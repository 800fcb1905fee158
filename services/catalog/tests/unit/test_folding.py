import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import fold, index_words, name_key, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Björk", "bjork"),
        ("BEYONCÉ", "beyonce"),
        ("Sigur  Rós ", "sigur rós"),
        ("Motörhead", "Moto\u0308rhead"),
        ("Mø", "MO"),
        ("STRASSE", "straße"),
        ("ﬁre", "FIRE"),
        ("Ｐｅｒｆｕｍｅ", "perfume"),
        ("Земфира", "ЗЕМФИРА"),
        ("Ёлка", "елка"),
        ("Ξυλούρης", "ξυλουρης"),
    ],
)
def test_names_that_people_hold_for_the_same_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Queen", "Queens"), ("が", "か"), ("กิน", "กีน"), ("AC/DC", "ACDC"), ("कि", "की")],
)
def test_names_that_differ_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text(max_size=80))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_a_key_fits_its_column_however_much_a_letter_expands() -> None:
    assert len(name_key("\ufdfa" * 500)) == 500  # one ligature of eighteen letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't Stop Me Now", ["dont", "stop", "me", "now"]),
        ("Don’t Stop", ["dont", "stop"]),
        ("AC/DC", ["ac", "dc"]),
        ("R.E.M.", ["rem"]),
        ("M.I.A", ["mia"]),
        ("東京事変", ["東京", "京事", "事変"]),
        ("林", ["林"]),
        ("椎名林檎 Live", ["椎名", "名林", "林檎", "live"]),
        ("BTS방탄소년단", ["bts", "방탄", "탄소", "소년", "년단"]),
        ("กิน", ["กิน"]),
        ("99 Luftballons", ["99", "luftballons"]),
        ("", []),
        ("   ", []),
        ("\0", []),
    ],
)
def test_words_are_what_people_type(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_name_of_signs_is_one_word_of_its_own() -> None:
    assert words("!!!") == words(" ! ! ! ") != words("???")
    assert words("!!!")[0].isalnum()


def test_the_last_character_of_a_run_is_found_by_itself() -> None:
    assert index_words("東京事変") == ["東京", "京事", "事変", "変"]


@given(st.text(max_size=80))
def test_words_hold_nothing_that_a_search_syntax_knows(text: str) -> None:
    for word in index_words(text):
        assert word
        assert {unicodedata.category(c)[0] for c in word} <= set("LMN")
