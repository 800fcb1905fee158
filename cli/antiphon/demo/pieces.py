"""The music: six short pieces, written for this demo and given away (CC0)."""

from collections.abc import Sequence
from itertools import chain

from antiphon.demo import voices
from antiphon.demo.score import Note, Part, Piece, chord, line, midi_number, voices_of

_DARK = 11_025  # samples a second, for voices without treble
_GUITAR = "lowpass=f=7500,bass=g=6:f=170"  # the body under the strings
_CHORUS = "chorus=0.6:0.8:45|57:0.4|0.35:0.23|0.31:2|2.4"


def first_light() -> Piece:
    """A slow ambient piece: five wide chords and a few drops of glass."""
    harmony = [
        "D2 A2 F#3 C#4 E4",
        "B1 F#2 A3 D4 E4",
        "G1 D2 B3 D4 F#4",
        "A1 E2 G3 B3 E4",
        "D2 A2 F#3 E4 A4",
    ]
    low, left, right = [], [], []
    for number, names in enumerate(harmony):
        pitches = names.split()
        low += [n for name in pitches[:2] for n in chord(name, number * 6.5, 6)]
        left += [n for name in pitches[2::2] for n in chord(name, number * 6.5, 6)]
        right += [n for name in pitches[3:4] for n in chord(name, number * 6.5 + 0.4, 6, 4)]
    drops = line("r:3 F#5:2 A5:5 E5:1.5 B5:5 D6:1.5 A5:5 B5:1.5 E5:4.5 F#5:1.5 D6:2", level=2)
    echo = [Note(drop.start + 0.75, drop.key, drop.beats, 1) for drop in drops]
    return Piece("First Light", "Ambient", 60, 38.0, 4.5, [
        Part(voices.PAD, low, 0.0, 0.7, 0.5, _CHORUS, rate=_DARK),
        Part(voices.PAD, left, -0.6, 0.6, 0.8, _CHORUS, rate=_DARK),
        Part(voices.PAD, right, 0.6, 0.6, 0.8, _CHORUS, rate=_DARK),
        Part(voices.GLASS, drops, -0.35, 0.55, 0.9),
        Part(voices.GLASS, echo, 0.5, 0.55, 0.9),
    ])  # fmt: skip


def six_strings() -> Piece:
    """A plucked arpeggio with a second guitar that answers from the right."""
    shapes = [
        "G2 D3 G3 B3 D4", "E2 B2 G3 B3 D4", "C3 G3 C4 D4 E4", "D3 A3 D4 F#4 A4",
        "G2 D3 G3 B3 D4", "B2 F#3 A3 D4 F#4", "C3 G3 C4 E4 G4", "D3 A3 C4 F#4 A4",
        "E2 B2 G3 B3 E4", "C3 G3 C4 E4 G4", "A2 E3 G3 C4 E4", "D3 A3 C4 D4 F#4",
    ]  # fmt: skip
    fingers = (0, 2, 3, 4, 1, 3, 2, 3)
    arpeggio: list[Note] = []
    for bar, names in enumerate(shapes):
        strings = [midi_number(name) for name in names.split()]
        for eighth, finger in enumerate(fingers):
            level = 4 if eighth == 0 else 2 + (eighth % 4 == 0) + (finger == 4)
            ring = 7 - eighth if finger == 0 else 4
            arpeggio.append(Note(bar * 8 + eighth, strings[finger], max(3, ring), level))
    end = len(shapes) * 8
    for delay, name in enumerate(("G2", "D3", "G3", "B3", "D4", "G4")):
        arpeggio.append(Note(end + delay * 0.28, midi_number(name), 14, 3))
    answer = line(
        "r:34 B4:3 A4:1 G4:2 F#4:4 A4:2 D5:2 C5:3 B4:1 G4:4 A4:3 F#4:1 E4:2 D4:2 r:2 G4:2 B4:2 "
        "E5:2 G5:3 E5:1 C5:4 r:2 C5:2 E5:2 A5:2 F#5:3 E5:1 D5:2 A4:2 B4:12"
    )
    return Piece("Six Strings at Dawn", "Folk", 208, 34.5, 1.6, [
        Part(voices.plucked, arpeggio, -0.3, 1.0, 0.35, _GUITAR, looseness=0.012),
        Part(voices.plucked, answer, 0.5, 0.8, 0.5, _GUITAR, looseness=0.015),
    ])  # fmt: skip


def waltz() -> Piece:
    """A gentle waltz for felt piano, with a music box that joins in."""
    harmony = [
        ("F2", "A3+C4"), ("A2", "C4+G3"), ("D3", "F3+A3"), ("C3", "F3+A3"),
        ("Bb2", "D3+F3"), ("A2", "C4+F3"), ("G2", "Bb3+F3"), ("C3", "E3+Bb3"),
        ("F2", "A3+C4"), ("C#3", "G3+A3"), ("D3", "F3+A3"), ("B2", "F3+G3"),
        ("C3", "F3+A3"), ("C3", "E3+Bb3"), ("F2", "A3+C4"),
    ]  # fmt: skip
    left: list[Note] = []
    for bar, (bass, pair) in enumerate(harmony):
        left += chord(bass, bar * 3, 3, 3)
        left += chord(pair, bar * 3 + 1, 0.9, 1) + chord(pair, bar * 3 + 2, 0.9, 1)
    for step, name in enumerate(("F2", "C3", "A3", "F4", "A4", "C5")):
        left += chord(name, 45 + step * 0.22, 6, 2)
    tune = line(
        "C5:2 A4:1 C5:2 E5:1 D5:1.5 E5:0.5 F5:1 A4:3 D5:1 C5:1 Bb4:1 C5:2 A4:1 Bb4:1 A4:1 G4:1 "
        "G4:2 C5:1 F5:2 C5:1 E5:2 G5:1 F5:1.5 E5:0.5 D5:1 D5:2 F5:1 C5:1 F5:1 A5:1 "
        "G5:1.5 Bb4:0.5 E5:1 F5:3",
        level=4,
    )
    second_time = [n for n in tune if n.start >= 24]
    box = [Note(n.start, n.key + 12, n.beats + 1, 1) for n in second_time]
    box += line("r:46.5 F6:1 C6:1 A5:2", level=1)
    warmth = [
        note
        for text in ("F3:3 E3:3 F3:6 F3:3 E3:3 F3:6", "A3:6 A3:3 G3:3 A3:3 Bb3:3 A3:6")
        for note in line("r:24 " + text, level=1)
    ]
    return Piece("Waltz for a Small Room", "Classical", 112, 31.0, 1.5, [
        Part(voices.PIANO, left, -0.25, 0.8, 0.3, looseness=0.014),
        Part(voices.PIANO, tune, 0.15, 1.0, 0.35, looseness=0.01),
        Part(voices.MUSIC_BOX, box, 0.55, 0.55, 0.6),
        Part(voices.STRINGS, warmth, -0.5, 0.5, 0.7, _CHORUS, rate=_DARK),
    ])  # fmt: skip


def plain_hunt(bells: int) -> list[list[int]]:
    """Return the rows of a plain hunt, rounds at both ends: neighbours swap, by turns."""
    rows = [list(range(bells))]
    for change in range(2 * bells):
        row = rows[-1].copy()
        for place in range(change % 2, bells - 1, 2):
            row[place], row[place + 1] = row[place + 1], row[place]
        rows.append(row)
    return rows


def bell_tower() -> Piece:
    """Six bells ring a plain hunt, as English ringers do, over a soft drone."""
    tuning = ["B4", "A4", "F#4", "E4", "D4", "B3"]
    rows = plain_hunt(len(tuning))
    places = [-0.75, 0.45, -0.25, 0.7, 0.2, -0.5]
    rung: list[list[Note]] = [[] for _ in tuning]
    beat = 0.0
    for number, row in enumerate(rows):
        for bell in row:
            rung[bell].append(Note(beat, midi_number(tuning[bell]), 8, 3 if bell == 5 else 2))
            beat += 1
        beat += number % 2  # ringers leave a gap after every second row
    drone = [n for name in ("B2", "F#3") for at in (4, 40) for n in chord(name, at, 40, 2)]
    drone += chord("D3", 40, 40, 2)
    parts = [
        Part(voices.BELL, notes, place, 0.8, 0.6, looseness=0.012)
        for notes, place in zip(rung, places, strict=True)
    ]
    parts.append(Part(voices.PAD, drone, 0.0, 0.35, 0.6, _CHORUS, rate=_DARK))
    return Piece("Bell Tower, Evening", "Minimal", 205, 34.0, 3.2, parts)


def footbridge() -> Piece:
    """A light rhythm piece: electric piano, marimba, bass and brushes."""
    harmony = [
        ("G2", "B3+D4+F#4"), ("E2", "B3+D4+G4"), ("C3", "B3+E4+G4"), ("D3", "A3+E4+F#4"),
    ]  # fmt: skip
    keys: list[Note] = []
    bass: list[Note] = []
    for bar in range(12):
        root, names = harmony[bar % 4]
        keys += chord(names, bar * 4, 1.4, 3) + chord(names, bar * 4 + 1.5, 2.2, 2)
        if bar >= 2:
            low = midi_number(root)
            bass += [
                Note(bar * 4 + at, low + up, beats, level)
                for at, up, beats, level in (
                    (0, 0, 1.4, 4), (1.5, 0, 0.9, 3), (2.5, 7, 0.5, 2),
                    (3, 12, 0.5, 2), (3.5, 7, 0.5, 3),
                )
            ]  # fmt: skip
    keys += chord("B3+D4+F#4+A4", 48, 5, 3)
    bass += chord("G2", 48, 5, 4)
    tune = line(
        "r:16 D5:0.5 B4:0.5 r:0.5 D5:0.5 F#5:1 E5:0.5 D5:0.5 B4:0.5 G4:0.5 r:0.5 B4:0.5 D5:1 r:1 "
        "E5:0.5 G5:0.5 r:0.5 E5:0.5 B4:1 D5:0.5 E5:0.5 F#5:0.5 E5:0.5 r:0.5 D5:0.5 A4:1 r:1 "
        "D5:0.5 B4:0.5 r:0.5 D5:0.5 F#5:1 A5:0.5 F#5:0.5 G5:0.5 F#5:0.5 r:0.5 D5:0.5 B4:1 r:1 "
        "E5:0.5 G5:0.5 r:0.5 B5:0.5 A5:0.5 G5:0.5 E5:0.5 G5:0.5 F#5:1 E5:0.5 D5:0.5 E5:1 F#5:1 "
        "G5:0.5 D5:0.5 B4:0.5 G4:1",
    )
    answer = [Note(n.start + 0.75, n.key - 12, n.beats, 1) for n in tune if n.start >= 32]
    return Piece("Footbridge", "Electronic", 104, 32.0, 1.1, [
        Part(voices.ELECTRIC_PIANO, keys, -0.25, 0.6, 0.3, "tremolo=f=4.3:d=0.25", 0.008),
        Part(voices.BASS, bass, 0.0, 0.6, 0.05),
        Part(voices.MARIMBA, tune, 0.3, 1.2, 0.4, looseness=0.006),
        Part(voices.MARIMBA, answer, -0.6, 0.8, 0.6),
        Part(voices.kick, _strokes((0, 2.5), "A1", 0.6, 3), 0.0, 0.5, 0.05),
        Part(voices.brush, _shaker(48), 0.45, 1.6, 0.2, "highpass=f=4000", 0.006, 44_100),
        Part(voices.brush, _strokes((1, 3), "A4", 0.22, 4), -0.15, 1.6, 0.35, "lowpass=f=7000"),
    ])  # fmt: skip


def _strokes(places: Sequence[float], name: str, beats: float, level: int) -> list[Note]:
    """Return drum strokes at these places of every bar of four but the first."""
    key = midi_number(name)
    return [Note(bar + at, key, beats, level) for bar in range(4, 48, 4) for at in places]


def _shaker(end: int) -> list[Note]:
    accents = (2, 1, 3, 1)
    return [
        Note(step / 4 + (0.02 if step % 2 else 0), 108, 0.12, accents[step % 4])
        for step in range(end * 4)
    ]


def antiphon() -> Piece:
    """Two choirs, left and right, answer one another and end together."""
    first = [
        ("D3 A3 F4 A4", 2), ("C3 G3 E4 G4", 1), ("F3 C4 F4 A4", 1),
        ("D3 A3 D4 F4", 1), ("C3 G3 C4 E4", 1), ("D3 A3 A3 D4", 2),
    ]  # fmt: skip
    reply = [
        ("F3 C4 A4 C5", 2), ("G3 D4 G4 B4", 1), ("A3 E4 A4 C5", 1),
        ("F3 C4 F4 A4", 1), ("C3 C4 E4 G4", 1), ("D3 A3 F4 A4", 2),
    ]  # fmt: skip
    second = [("G3 B3 G4 D5", 1.5), ("A3 C4 E4 C5", 0.5), ("F3 C4 F4 A4", 2)]
    echo = [("E3 C4 G4 C5", 1.5), ("D3 B3 G4 B4", 0.5), ("C3 C4 E4 G4", 2)]
    together = [
        ("F3 C4 F4 A4", 1), ("A3 E4 A4 C5", 1), ("G3 D4 G4 D5", 1), ("A3 C4 A4 E5", 1.5),
        ("C3 G3 E4 C5", 0.5), ("F3 C4 F4 A4", 1), ("G3 B3 D4 B4", 1), ("A3 A3 E4 C5", 1),
        ("D3 A3 F#4 D5", 4.5),
    ]  # fmt: skip
    left = _joined(voices_of(first, 0), voices_of(second, 16.5), voices_of(together, 25.5))
    right = _joined(voices_of(reply, 8.25), voices_of(echo, 20.75), voices_of(together, 25.5))
    parts = [
        part
        for choir, lines, side in ((voices.CHOIR_AH, left, -1), (voices.CHOIR_OO, right, 1))
        for part in _choir(choir, lines, side)
    ]
    return Piece("Antiphon", "Choral", 64, 39.5, 4.2, parts)


def _joined(*phrases: list[list[Note]]) -> list[list[Note]]:
    return [list(chain(*lines)) for lines in zip(*phrases, strict=True)]


def _choir(voice: voices.Voice, lines: list[list[Note]], side: int) -> list[Part]:
    """Seat a choir: each voice has its own place on its side and its own vibrato."""
    return [
        Part(voice, notes, side * (0.9 - 0.12 * seat), 0.6, 0.75,
             f"vibrato=f={4.6 + 0.37 * seat + 0.11 * side:.2f}:d=0.07", 0.03, _DARK)
        for seat, notes in enumerate(lines)
    ]  # fmt: skip


def all_pieces() -> list[Piece]:
    """Return the album in order."""
    return [first_light(), six_strings(), waltz(), bell_tower(), footbridge(), antiphon()]
