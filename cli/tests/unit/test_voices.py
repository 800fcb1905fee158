import math
from array import array
from itertools import pairwise

import pytest

from antiphon.demo import voices
from antiphon.demo.mixing import play, reverberation
from antiphon.demo.score import Note, Part, Piece, frequency

RATE = 22_050
PITCHED = {
    "piano": voices.PIANO,
    "music box": voices.MUSIC_BOX,
    "electric piano": voices.ELECTRIC_PIANO,
    "marimba": voices.MARIMBA,
    "bass": voices.BASS,
    "glass": voices.GLASS,
    "string": voices.plucked,
}
SUSTAINED = {
    "pad": voices.PAD,
    "strings": voices.STRINGS,
    "ah": voices.CHOIR_AH,
    "oo": voices.CHOIR_OO,
}
ALL = {**PITCHED, **SUSTAINED, "bell": voices.BELL, "kick": voices.kick, "brush": voices.brush}


def strength(samples: "array[float]", hertz: float, rate: int) -> float:
    """Return how much of a frequency there is (one bin of a windowed Fourier transform)."""
    real = imaginary = 0.0
    for i, sample in enumerate(samples):
        windowed = sample * (0.5 - 0.5 * math.cos(math.tau * i / len(samples)))
        real += windowed * math.cos(math.tau * hertz * i / rate)
        imaginary += windowed * math.sin(math.tau * hertz * i / rate)
    return math.hypot(real, imaginary)


def cents_off(samples: "array[float]", hertz: float, rate: int) -> int:
    return max(
        range(-60, 61, 3),
        key=lambda cents: strength(samples, hertz * math.exp2(cents / 1200), rate),
    )


@pytest.mark.parametrize("key", range(26, 103, 4))
@pytest.mark.parametrize("rate", [11_025, 22_050, 44_100])
def test_tables_are_in_tune(key: int, rate: int) -> None:
    hertz = frequency(key)
    table = voices.cycle_table(hertz, (1.0,), rate)
    cycles = round(len(table) * hertz / rate)
    assert abs(1200 * math.log2(cycles * rate / len(table) / hertz)) < 1.5
    # The end meets the beginning: no click where the table is repeated.
    steps = [abs(b - a) for a, b in pairwise([*table, table[0]])]
    assert steps[-1] <= max(steps[:-1]) + 1e-9


@pytest.mark.parametrize("name", PITCHED)
@pytest.mark.parametrize("key", [45, 57, 69, 76])
def test_struck_and_plucked_notes_are_in_tune(name: str, key: int) -> None:
    hertz = frequency(key)
    note = PITCHED[name](hertz, 1.0, 3, RATE)
    settled = note[RATE // 20 : RATE // 20 + 9_000]
    assert abs(cents_off(settled, hertz, RATE)) <= 3


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("level", [1, 4])
def test_notes_begin_and_end_in_silence_without_clipping(name: str, level: int) -> None:
    note = ALL[name](220.0, 0.8, level, RATE)
    assert all(math.isfinite(sample) for sample in note)
    assert abs(note[0]) < 0.02
    assert abs(note[-1]) < 0.001
    loudest = max(map(abs, note))
    assert 0.01 < loudest < 4.0


@pytest.mark.parametrize("name", SUSTAINED)
def test_held_notes_hold(name: str) -> None:
    note = SUSTAINED[name](220.0, 5.0, 3, RATE)
    middle = [
        math.sqrt(sum(x * x for x in note[at : at + RATE // 2]) / (RATE / 2))
        for at in range(int(2.2 * RATE), 4 * RATE, RATE // 2)
    ]
    assert min(middle) > 0.4 * max(middle)


def test_louder_levels_are_louder() -> None:
    loudest = [max(map(abs, voices.PIANO(220.0, 0.5, level, RATE))) for level in (1, 2, 3, 4)]
    assert loudest == sorted(loudest)
    assert loudest[3] > 2 * loudest[0]


def test_a_part_sounds_where_it_is_written() -> None:
    notes = [Note(2, 69, 1), Note(4, 69, 1)]
    part = Part(voices.MARIMBA, notes, rate=11_025)
    track = play(part, Piece("Test", "Test", 60, 6.0, 1.0, [part]))
    assert len(track) == 6 * 11_025
    assert max(map(abs, track[: 2 * 11_025])) == 0.0
    assert max(map(abs, track[int(2.1 * 11_025) : int(2.3 * 11_025)])) > 0.1
    assert play(part, Piece("Test", "Test", 60, 6.0, 1.0, [part])) == track


def test_reverberation_passes_the_dry_sound_and_falls_by_60_db() -> None:
    response = reverberation(1.0)
    dry, ring = response[0::4], response[2::4]
    assert dry[0] == 1.0
    assert not any(dry[1:])
    early = max(map(abs, ring[1_000:3_000]))
    late = max(map(abs, ring[44_100:46_100]))
    assert 0.0001 < late / early < 0.004
    assert response[2::4] != response[3::4]
