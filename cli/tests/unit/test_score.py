from itertools import pairwise

import pytest

from antiphon.demo.pieces import all_pieces, plain_hunt
from antiphon.demo.score import frequency, line, midi_number


@pytest.mark.parametrize(
    ("name", "key"), [("A4", 69), ("C4", 60), ("C-1", 0), ("Bb3", 58), ("F#2", 42), ("B3", 59)]
)
def test_pitch_names_are_midi_keys(name: str, key: int) -> None:
    assert midi_number(name) == key


@pytest.mark.parametrize("name", ["H4", "A", "a4", "A#b4", ""])
def test_what_is_no_pitch_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a pitch"):
        midi_number(name)


def test_tuning_is_equal_temperament_at_440() -> None:
    assert frequency(69) == 440.0
    assert frequency(60) == pytest.approx(261.6256, abs=1e-4)
    assert frequency(81) == 880.0


def test_a_line_counts_beats_through_chords_and_rests() -> None:
    notes = line("A4:1.5 r:0.5 D4+F4:2 E4:1", start=8)
    assert [(note.start, note.key, note.beats) for note in notes] == [
        (8, 69, 1.5),
        (10, 62, 2),
        (10, 65, 2),
        (12, 64, 1),
    ]


def test_plain_hunt_rings_true() -> None:
    rows = plain_hunt(6)
    assert rows[0] == rows[-1] == [0, 1, 2, 3, 4, 5]
    assert len({tuple(row) for row in rows}) == len(rows) - 1 == 12
    for before, after in pairwise(rows):
        assert all(abs(before.index(bell) - after.index(bell)) <= 1 for bell in range(6))


def test_every_piece_sounds_to_its_end_and_no_longer() -> None:
    for piece in all_pieces():
        beats = [note.start + note.beats for part in piece.parts for note in part.notes]
        assert 20 <= piece.seconds <= 40
        assert max(beats) * 60 / piece.tempo <= piece.seconds - 0.5, piece.title
        assert max(beats) * 60 / piece.tempo >= piece.seconds * 0.65, piece.title
        assert all(-1 <= part.pan <= 1 for part in piece.parts)


def test_the_two_choirs_answer_one_another() -> None:
    parts = all_pieces()[-1].parts
    left = [note for part in parts if part.pan < 0 for note in part.notes]
    right = [note for part in parts if part.pan > 0 for note in part.notes]
    alone = [note for note in left if note.start < 8]
    reply = [note for note in right if 8 <= note.start < 16]
    assert alone
    assert reply
    assert not [note for note in right if note.start < 8]
    assert not [note for note in left if 8.2 < note.start < 16]
    assert {n.key for n in left if n.start > 25} == {n.key for n in right if n.start > 25}
