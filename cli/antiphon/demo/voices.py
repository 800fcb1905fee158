"""Instruments: each makes one note as mono samples.

Pure Python is slow a sample at a time, so everything here works on whole arrays: a tone is a short
table that holds a whole number of cycles, repeated; envelopes are computed once and multiplied in.
"""

import math
import random
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate, repeat
from operator import add, mul
from typing import TypeAlias

Samples: TypeAlias = "array[float]"
# (Hz, seconds the key is held, level 1 to 4, samples a second) -> samples, release included
Voice: TypeAlias = Callable[[float, float, int, int], "array[float]"]

_LONGEST_TABLE = 3_000
_EDGE_SECONDS = 0.004


def _loudness(level: int) -> float:
    return 0.4 * 1.35 ** (level - 3)


@lru_cache(maxsize=256)
def cycle_table(hertz: float, gains: tuple[float, ...], rate: int, seed: int = 0) -> Samples:
    """Return whole cycles of a harmonic tone (gains of partials 1, 2, ...), right to 1 cent."""
    period = rate / hertz
    cycles = min(
        range(1, max(2, int(_LONGEST_TABLE / period))),
        key=lambda count: abs(round(count * period) / (count * period) - 1),
    )
    size = round(cycles * period)
    sine = array("d", [math.sin(math.tau * cycles * i / size) for i in range(size)])
    table = array("d", bytes(8 * size))
    phases = random.Random(seed)  # noqa: S311 - for sound, not for secrets
    for number, gain in enumerate(gains, start=1):
        if number * hertz < rate / 2.2 and gain:
            shift = phases.randrange(size) if seed else 0
            # Every number-th sample of the sine, going round: C does it, not a loop here.
            partial_tone = (sine * (number + 1))[shift::number][:size]
            table = array("d", [a + gain * b for a, b in zip(table, partial_tone, strict=True)])
    return table


def looped(table: Samples, length: int) -> Samples:
    """Repeat a table to `length` samples."""
    return (table * (length // len(table) + 1))[:length]


@lru_cache(maxsize=64)
def decay(length: int, seconds: float, attack: float, rate: int) -> Samples:
    """Return a struck envelope: rises in `attack` s, falls by 60 dB in `seconds`, ends at zero."""
    fall = math.exp(-6.9078 / (seconds * rate))
    envelope = array("d", accumulate(repeat(fall, length - 1), mul, initial=1.0))
    _fade(envelope, attack, _EDGE_SECONDS * 5, rate)
    return envelope


@lru_cache(maxsize=64)
def _ramp(count: int) -> Samples:
    return array("d", [0.5 - 0.5 * math.cos(math.pi * i / count) for i in range(count)])


def _fade(samples: Samples, rise: float, fall: float, rate: int) -> None:
    """Fade the ends in place with raised cosines (seconds): no clicks."""
    up, down = (_ramp(max(1, min(int(seconds * rate), len(samples)))) for seconds in (rise, fall))
    samples[: len(up)] = array("d", map(mul, samples, up))
    samples[-len(down) :] = array("d", map(mul, samples[-len(down) :], reversed(down)))


@dataclass(frozen=True, slots=True)
class Layer:
    """Partials that die away together: `ratio` times the note, by 60 dB in `seconds`."""

    seconds: float
    gains: tuple[float, ...] = (1.0,)
    ratio: float = 1.0


def _struck(layers: Sequence[Layer], hertz: float, held: float, level: int, rate: int) -> Samples:
    # High strings and bars ring shorter than low ones.
    shorter = (262 / hertz) ** 0.35
    longest = int(rate * min(held + 0.6, max(layer.seconds for layer in layers) * shorter))
    note = array("d", bytes(8 * longest))
    for layer in layers:
        seconds = layer.seconds * shorter
        length = min(longest, int(rate * seconds))
        gains = tuple(_loudness(level) * gain for gain in layer.gains)
        tone = looped(cycle_table(hertz * layer.ratio, gains, rate), length)
        loud = map(mul, tone, decay(length, seconds, _EDGE_SECONDS, rate))
        note[:length] = array("d", map(add, note, loud))
    _fade(note, 0.0, 0.3, rate)
    return note


def struck(*layers: Layer) -> Voice:
    """Return an instrument of bars, bells or hammered strings made of dying layers."""
    return partial(_struck, layers)


def _sung(
    formants: Sequence[tuple[float, float, float]],
    singers: Sequence[float],
    attack: float,
    release: float,
    hertz: float,
    held: float,
    level: int,
    rate: int,
) -> Samples:
    length = int(rate * (held + release))
    count = max(1, min(40, int(5_000 / hertz)))
    gains = [_formant_gain(formants, number * hertz) / number for number in range(1, count + 1)]
    power = math.sqrt(sum(gain * gain for gain in gains) * len(singers))
    loudness = 1.2 * _loudness(level) / power
    levelled = tuple(loudness * gain for gain in gains)
    note = array("d", bytes(8 * length))
    for seed, cents in enumerate(singers, start=1):
        table = cycle_table(hertz * math.exp2(cents / 1200), levelled, rate, seed + int(hertz))
        note = array("d", map(add, note, looped(table, length)))
    _fade(note, attack, release, rate)
    return note


def _formant_gain(formants: Sequence[tuple[float, float, float]], hertz: float) -> float:
    return 0.02 + sum(
        gain / (1 + ((hertz - centre) / width) ** 2) for centre, width, gain in formants
    )


def sustained(
    formants: Sequence[tuple[float, float, float]],
    singers: Sequence[float],
    attack: float,
    release: float,
) -> Voice:
    """Return an instrument that holds: formants (Hz, width, gain), detuning of each singer (cents),
    attack and release in seconds."""
    return partial(_sung, formants, singers, attack, release)


def _string_taps(period: float) -> tuple[int, tuple[float, float, float]]:
    """Return the delay and the loop filter whose phase delays add up to `period` samples.

    Two two-tap averages in a row: one sets the fraction of a sample, the other is chosen so that
    both together always damp as the classic half-and-half average does, whatever the fraction.
    """
    whole = math.floor(period - 0.5)
    wanted, low, high = period - whole, 0.5, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        total = middle + 0.5 - math.sqrt(middle * (1 - middle))
        low, high = (middle, high) if total < wanted else (low, middle)
    first, second = low, 0.5 - math.sqrt(low * (1 - low))
    crossed = first * (1 - second) + second * (1 - first)
    return whole, ((1 - first) * (1 - second), crossed, first * second)


def plucked(hertz: float, held: float, level: int, rate: int) -> Samples:
    """Return a plucked string (Karplus and Strong 1983), tuned to a fraction of a sample."""
    length = int(rate * (held + 0.3))
    delay, (near, middle, far) = _string_taps(rate / hertz)
    keep = math.exp(-6.9078 / (hertz * 4.5))
    near, middle, far = near * keep, middle * keep, far * keep
    string = _excitation(delay + 2, hertz, level)
    while len(string) < length:
        newest = string[-delay - 2 :]
        string.extend(
            far * a + middle * b + near * c
            for a, b, c in zip(newest, newest[1:], newest[2:], strict=False)
        )
    loudness = 1.6 * _loudness(level)
    note = array("d", [loudness * sample for sample in string[:length]])
    _fade(note, 0.001, 0.25, rate)
    return note


def _excitation(size: int, hertz: float, level: int) -> list[float]:
    noise = random.Random(int(hertz * 10))  # noqa: S311 - for sound, not for secrets
    burst = [noise.uniform(-1, 1) for _ in range(size)]
    # A softer finger is a duller one; the comb is the place where the string is plucked.
    for _ in range(7 - level):
        burst = [(a + b) / 2 for a, b in zip(burst, burst[-1:] + burst, strict=False)]
    nut = max(1, size // 5)
    burst = [sample - burst[i - nut] for i, sample in enumerate(burst)]
    middle = sum(burst) / size
    loudest = max(abs(sample - middle) for sample in burst)
    return [(sample - middle) / loudest for sample in burst]


def kick(hertz: float, held: float, level: int, rate: int) -> Samples:
    """Return a soft bass drum falling to `hertz` in `held` seconds."""
    length = int(rate * held)
    phases = accumulate(
        math.tau * hertz * (1 + 2.2 * math.exp(-i / (0.02 * rate))) / rate for i in range(length)
    )
    loudness = 2.2 * _loudness(level)
    tone = [loudness * math.sin(phase) for phase in phases]
    return array("d", map(mul, tone, decay(length, held, 0.002, rate)))


def brush(hertz: float, held: float, level: int, rate: int) -> Samples:
    """Return a breath of noise above `hertz`, `held` seconds long: shaker, brush or cymbal."""
    length = int(rate * held)
    noise = random.Random(length + level)  # noqa: S311 - for sound, not for secrets
    white = [noise.uniform(-1, 1) for _ in range(length)]
    low, smooth = 0.0, math.exp(-math.tau * hertz / rate)
    high = []
    for sample in white:
        low = sample + smooth * (low - sample)
        high.append(sample - low)
    loudness = 0.5 * _loudness(level)
    envelope = decay(length, held, held / 6, rate)
    return array(
        "d", [loudness * sample * gain for sample, gain in zip(high, envelope, strict=True)]
    )


PIANO = struck(
    Layer(3.2, (1.0, 0.42, 0.16)),
    Layer(1.3, (0.0, 0.12, 0.16, 0.16, 0.09, 0.05)),
    Layer(0.35, (0, 0, 0, 0.1, 0.09, 0.08, 0.06, 0.05, 0.03)),
)
MUSIC_BOX = struck(Layer(2.4), Layer(0.9, (0.35,), 2.76), Layer(0.3, (0.2,), 5.4))
ELECTRIC_PIANO = struck(
    Layer(3.0, (1.0, 0.22, 0.1, 0.03)), Layer(0.7, (0, 0.15, 0.18, 0.08)), Layer(0.25, (0.22,), 7.0)
)
MARIMBA = struck(Layer(1.1), Layer(0.28, (0.35,), 3.93), Layer(0.1, (0.15,), 9.2))
BASS = struck(Layer(2.4, (1.0, 0.55, 0.2, 0.1)), Layer(0.5, (0, 0.2, 0.3, 0.2, 0.1)))
BELL = struck(  # hum, prime, tierce, quint, nominal and above, as bell founders name them
    Layer(7.0, (0.45,), 0.5),
    Layer(4.5, (0.7,), 1.0),
    Layer(3.6, (0.45,), 1.2),
    Layer(2.4, (0.18,), 1.5),
    Layer(2.6, (0.55,), 2.0),
    Layer(1.2, (0.22,), 2.66),
    Layer(0.8, (0.2,), 3.01),
    Layer(0.45, (0.15,), 4.17),
)
GLASS = struck(
    Layer(4.0), Layer(2.2, (0.25,), 2.0), Layer(0.8, (0.18,), 3.0), Layer(0.3, (0.1,), 6.1)
)
PAD = sustained([(0, 420, 1.0), (900, 500, 0.22)], (-7, 0, 6), attack=2.0, release=2.6)
STRINGS = sustained([(0, 700, 1.0), (1_500, 600, 0.3)], (-5, 4), attack=0.5, release=0.7)
CHOIR_AH = sustained(
    [(680, 130, 1.0), (1_100, 150, 0.55), (2_650, 240, 0.16), (3_400, 300, 0.08)],
    (-8, -1, 7),
    attack=0.16,
    release=0.32,
)
CHOIR_OO = sustained(
    [(360, 120, 1.0), (820, 150, 0.35), (2_500, 250, 0.05)], (-7, 1, 8), attack=0.2, release=0.34
)
