"""Playing a piece: each part's notes are added up into one mono track of samples."""

import random
from array import array
from itertools import accumulate, repeat
from operator import add, mul

from antiphon.demo.score import Part, Piece, frequency
from antiphon.demo.voices import Samples

SAMPLE_RATE = 44_100  # of the finished piece
_LEAD_IN_SECONDS = 0.1


def play(part: Part, piece: Piece) -> Samples:
    """Return the part as mono samples, `piece.seconds` long and not yet levelled."""
    track = array("d", bytes(8 * int(piece.seconds * part.rate)))
    sounds: dict[tuple[int, float, int], Samples] = {}
    player = random.Random(piece.title + str(part.pan))  # noqa: S311 - for sound, not for secrets
    for note in part.notes:
        held = note.beats * 60 / piece.tempo
        key = (note.key, held, note.level)
        if key not in sounds:
            sounds[key] = part.voice(frequency(note.key), held, note.level, part.rate)
        late = _LEAD_IN_SECONDS + player.uniform(0, part.looseness)
        _add(track, sounds[key], int((note.start * 60 / piece.tempo + late) * part.rate))
    return track


def _add(track: Samples, sound: Samples, begin: int) -> None:
    end = min(begin + len(sound), len(track))
    track[begin:end] = array("d", map(add, track[begin:end], sound))


def reverberation(seconds: float) -> Samples:
    """Return a room's impulse response as 4 interleaved channels: two pass, two ring (RT60).

    The dry signal goes through the same convolution as the reverb, so that however a version of
    ffmpeg normalises the response, the balance between the two stays as written.
    """
    length = int(seconds * 1.1 * SAMPLE_RATE)
    predelay = int(0.018 * SAMPLE_RATE)
    fall = 10 ** (-3 / (seconds * SAMPLE_RATE))
    response = array("d", bytes(8 * 4 * (predelay + length)))
    response[0] = response[1] = 1.0
    for channel in (2, 3):
        noise = random.Random(channel)  # noqa: S311 - for sound, not for secrets
        envelope = accumulate(repeat(fall, length - 1), mul, initial=0.02)
        dull = 0.0
        for i, gain in enumerate(envelope, start=predelay):
            # A room swallows the treble first: the low-pass closes as the sound dies away.
            dull += (noise.uniform(-1, 1) - dull) * (0.12 + 0.6 * gain / 0.02)
            response[4 * i + channel] = gain * dull
    return response
