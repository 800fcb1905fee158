import os
from pathlib import Path

import pytest

from antiphon.importing.names import shown, size_text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"plain.mp3", "plain.mp3"),
        (b"caf\xe9.mp3", "caf\ufffd.mp3"),
        ("Зима ♪.mp3".encode(), "Зима ♪.mp3"),
        (b"two\nlines\x1b[31m.mp3", "two\ufffdlines\ufffd[31m.mp3"),
        (b"../up.mp3", "../up.mp3"),
    ],
)
def test_any_name_is_one_harmless_line(name: bytes, expected: str) -> None:
    assert shown(Path("/music") / os.fsdecode(name), Path("/music")) == expected


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (12_345_678, "12.3 MB")],
)
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert size_text(count) == text


def test_huge_sizes_stay_in_gigabytes() -> None:
    assert size_text(5e13) == "50000.0 GB"
