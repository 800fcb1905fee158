"""From tracks to a finished file: ffmpeg places, reverberates, measures, levels and encodes."""

import math
import re
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

from antiphon.demo.mixing import SAMPLE_RATE, play, reverberation
from antiphon.demo.score import Part, Piece
from antiphon.ffmpeg import EncodingError, run_ffmpeg

LOUDNESS_LUFS = -16.5
# Caught 0.8 dB early: samples at the limit can stand for a wave a little higher between them.
_LIMITER = "alimiter=limit=0.81:level=0:attack=4:release=70"
# Said again after each effect: ffmpeg before 7 forgets it on the way.
_MONO = "aformat=channel_layouts=mono"
_SAMPLES = ["-f", "f64le"]
_RAW = [*_SAMPLES, "-ar", str(SAMPLE_RATE)]


def _shares(part: Part) -> tuple[float, float, float, float]:
    """Return how much of a part goes left, right, and to the reverb's left and right."""
    angle = (part.pan + 1) * math.pi / 4
    left, right = part.gain * math.cos(angle), part.gain * math.sin(angle)
    near, far = part.reverb * (0.7 * left + 0.3 * right), part.reverb * (0.3 * left + 0.7 * right)
    return left, right, near, far


def _graph(piece: Piece) -> str:
    """Return the filters that make a stereo piece of its tracks and the room's response."""
    count = len(piece.parts)
    tracks = [
        f"[{number}]aformat=fltp:{SAMPLE_RATE},{part.effect or 'anull'},{_MONO}[{number}t]"
        for number, part in enumerate(piece.parts)
    ]
    # Not amix: how it weighs its inputs differs from one version of ffmpeg to the next.
    outputs = [
        "+".join(f"{share:.4f}*c{number}" for number, share in enumerate(shares))
        for shares in zip(*map(_shares, piece.parts), strict=True)
    ]
    placed = "|".join(f"c{number}={sources}" for number, sources in enumerate(outputs))
    together = "".join(f"[{number}t]" for number in range(count))
    fade = f"afade=t=out:st={piece.seconds - 2.5}:d=2.5:curve=hsin"
    return ";".join(
        [
            *tracks,
            f"{together}amerge=inputs={count},pan=4.0|{placed}[dry]",
            f"[dry][{count}]afir[wet]",
            f"[wet]pan=stereo|c0=c0+c2|c1=c1+c3,highpass=f=25,{fade},asplit[out][meter]",
            "[meter]ebur128=framelog=verbose[measured]",
        ]
    )


def _mix(piece: Piece, tracks: Sequence[Path], response: Path, mix: Path) -> float:
    """Mix to a file; return its integrated loudness in LUFS."""
    arguments: list[str | Path] = []
    for part, track in zip(piece.parts, tracks, strict=True):
        arguments += [*_SAMPLES, "-ar", str(part.rate), "-ac", "1", "-i", track]
    arguments += [*_RAW, "-ac", "4", "-i", response]
    arguments += ["-filter_complex", _graph(piece), "-map", "[out]", *_RAW, mix]
    arguments += ["-map", "[measured]", "-f", "null", "-"]
    return _measured(run_ffmpeg(arguments))


def _measured(report: str) -> float:
    loudness = re.findall(r"\bI:\s+(-?[\d.]+) LUFS", report)
    if not loudness:
        raise EncodingError("ffmpeg reported no loudness.")
    return float(loudness[-1])


def encode(raw: Path, gain_db: float, tags: Mapping[str, str], cover: Path, target: Path) -> None:
    """Encode raw stereo samples to a tagged FLAC with its cover."""
    arguments: list[str | Path] = [*_RAW, "-ac", "2", "-i", raw, "-i", cover]
    # Bit-exact: the same music gives the same file, so that an upload can be recognised.
    arguments += ["-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic"]
    arguments += ["-fflags", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1"]
    arguments += [
        "-af",
        f"volume={gain_db:.2f}dB,{_LIMITER},aresample=osf=s16:dither_method=triangular",
    ]
    arguments += ["-c:a", "flac", "-metadata:s:v", "comment=Cover (front)"]
    for name, value in tags.items():
        arguments += ["-metadata", f"{name}={value}"]
    run_ffmpeg([*arguments, "-f", "flac", target])


def produce(
    piece: Piece, tags: Mapping[str, str], cover: Path, target: Path, scratch: Path
) -> None:
    """Play, mix, level and encode a piece; scratch is a folder for its raw tracks."""
    response = _written(reverberation(piece.reverberation), scratch / "room")
    tracks = [
        _written(play(part, piece), scratch / f"track{number}")
        for number, part in enumerate(piece.parts)
    ]
    loudness = _mix(piece, tracks, response, scratch / "mix")
    encode(scratch / "mix", LOUDNESS_LUFS - loudness, tags, cover, target)


def _written(samples: "array[float]", path: Path) -> Path:
    with path.open("wb") as stream:
        samples.tofile(stream)
    return path
