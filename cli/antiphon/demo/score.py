"""Written music: pitches, notes, parts and pieces."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from antiphon.demo.voices import Voice

_PITCH = re.compile(r"([A-G])([#b]?)(-?\d)")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"#": 1, "b": -1, "": 0}


def midi_number(name: str) -> int:
    """Return the MIDI key of a pitch in scientific notation (`A4` is 69); ValueError if none."""
    match = _PITCH.fullmatch(name)
    if match is None:
        raise ValueError(f"not a pitch: {name!r}")
    letter, accidental, octave = match.groups()
    return 12 * (int(octave) + 1) + _SEMITONES[letter] + _ACCIDENTALS[accidental]


def frequency(key: int) -> float:
    """Return the equal-tempered frequency of a MIDI key in Hz (A4 = 440)."""
    return 440.0 * math.exp2((key - 69) / 12)


@dataclass(frozen=True, slots=True)
class Note:
    """One sounding pitch; start and length in beats, level 1 (soft) to 4 (loud)."""

    start: float
    key: int
    beats: float
    level: int = 3


@dataclass(frozen=True, slots=True)
class Part:
    """What one instrument plays, and where it sits: pan -1 (left) to 1, gain, share of reverb."""

    voice: "Voice"
    notes: Sequence[Note]
    pan: float = 0.0
    gain: float = 1.0
    reverb: float = 0.3
    effect: str = ""  # an ffmpeg audio filter, for what is slow in Python
    looseness: float = 0.0  # seconds by which a player strays from the beat
    rate: int = 22_050  # samples a second: low where an instrument has no treble, it saves time


@dataclass(frozen=True, slots=True)
class Piece:
    """A track of the album; length and reverberation time (RT60) in seconds."""

    title: str
    genre: str
    tempo: float  # beats a minute
    seconds: float
    reverberation: float
    parts: Sequence[Part]


def line(text: str, start: float = 0.0, level: int = 3) -> list[Note]:
    """Read `A4:1.5 r:0.5 D4+F4:2`: pitches (a chord with +) or rests, each with its beats."""
    notes: list[Note] = []
    for token in text.split():
        names, _, beats = token.partition(":")
        if names != "r":
            notes += chord(names, start, float(beats), level)
        start += float(beats)
    return notes


def chord(names: str, start: float, beats: float, level: int = 3) -> list[Note]:
    """Return the pitches of `D4+F4+A4` sounding together."""
    return [Note(start, midi_number(name), beats, level) for name in names.split("+")]


def voices_of(chords: Iterable[tuple[str, float]], start: float) -> list[list[Note]]:
    """Turn chords (`D3 A3 F4 A4`, beats) into one line a voice, lowest first."""
    lines: list[list[Note]] = []
    for names, beats in chords:
        for number, name in enumerate(names.split()):
            while len(lines) <= number:
                lines.append([])
            lines[number].append(Note(start, midi_number(name), beats))
        start += beats
    return lines
