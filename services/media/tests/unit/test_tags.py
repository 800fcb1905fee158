import pytest
from pydantic import ValidationError

from media.services.uploads import display_name
from media.tags import MAX_LYRICS, MAX_TEXT, Tags, clean_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Plain  title ", "Plain title"),
        ("Null\x00ed\x00", "Null ed"),
        ("bell\x07 and escape\x1b[31m", "bell and escape [31m"),
        ("e\u0301te\u0301", "été"),
        ("line\nbreak", "line break"),
        ("right \u202eto left", "right to left"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("Êàêàÿ-òî ïåñíÿ", "Êàêàÿ-òî ïåñíÿ"),
        ("日本語 🎵", "日本語 🎵"),
        ("\x00\x01", None),
        ("", None),
    ],
)
def test_text_is_cleaned(raw: str, clean: str | None) -> None:
    assert clean_text(raw) == clean


def test_text_is_capped() -> None:
    assert Tags(title="x" * 10_000).title == "x" * MAX_TEXT
    lyrics = Tags(lyrics="la\n" * 100_000).lyrics
    assert lyrics is not None
    assert len(lyrics) <= MAX_LYRICS
    assert lyrics.startswith("la\nla\n")


def test_genres_are_a_short_list_without_doubles() -> None:
    many = ["Jazz", "jazz ", "Jazz", "", *map(str, range(50))]
    genres = Tags.model_validate({"genres": many}).genres
    assert genres[:2] == ("Jazz", "jazz")
    assert len(genres) == 20


def test_an_isrc_is_written_without_hyphens() -> None:
    assert Tags(isrc="us-rc1-76-07839").isrc == "USRC17607839"


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": 5},
        {"year": "soon"},
        {"track_number": 0},
        {"genres": "Jazz"},
        {"genres": [["Jazz"]]},
        {"genres": [{"Jazz": 1}]},
    ],
)
def test_wrong_types_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Tags.model_validate(wrong)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("song.mp3", "song.mp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Music\\song.mp3", "song.mp3"),
        ("/", None),
        ("a\x00b\n.mp3", "a b .mp3"),
        ("..", ".."),
        (None, None),
    ],
)
def test_of_a_file_name_only_the_last_part_is_shown(given: str | None, shown: str | None) -> None:
    assert display_name(given) == shown
