"""Find out what a file is by decoding all of it, and take its cover out."""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common.logging import get_logger
from media.adapters.ffmpeg import Ffmpeg, FfmpegCrashed, Run
from media.adapters.tags import read_tags
from media.errors import UnusableFile
from media.formats import SNIFF_BYTES, Format, guess_foreign, sniff
from media.ports import CoverImage, Description

log = get_logger(__name__)

MAX_COVER_PIXELS = 1000
_MAX_METADATA_BYTES = 1 << 20
_MIN_DECODED_SHARE = 0.5
_STREAM = re.compile(r"^ {2,4}Stream #0:(?P<index>\d+)\S*: (?P<kind>Audio|Video): (?P<rest>.*)$")
_DURATION = re.compile(r"^ {2,4}Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_SIZE = re.compile(r", (\d+)x(\d+)[ ,]")
_CHANNELS = {"mono": 1, "1 channels": 1, "stereo": 2, "downmix": 2, "2 channels": 2}
_SURROUND = re.compile(r"^(\d+)\.(\d+)|^(\d+) channels")
_STILL = re.compile(r"\((attached pic|timed thumbnails)\)")


@dataclass(frozen=True)
class _Stream:
    index: int
    kind: str
    rest: str
    front_cover: bool


def describe(
    ffmpeg: Ffmpeg, source: Path, max_seconds: int, check: Callable[[], None]
) -> Description:
    """Decode `source` once and describe it; raises UnusableFile saying why it is no audio."""
    known = sniff_file(source)
    metadata = bytearray()

    def collect(stream: IO[bytes]) -> None:
        metadata.extend(stream.read(_MAX_METADATA_BYTES))

    run = ffmpeg.run(
        source,
        known.demuxer,
        [
            *("-map", "0:a:0", "-t", str(max_seconds + 1), "-f", "null", "-"),
            *("-map_metadata", "0", "-f", "ffmetadata", "pipe:1"),
        ],
        output=collect,
        progress=lambda _done_us: check(),
    )
    streams = _streams(run)
    audio = _only_audio(run, streams)
    duration_ms = _decoded_duration(run, max_seconds)
    codec, rate, channels = _audio_properties(audio.rest)
    return Description(
        media_type=known.media_type,
        codec=codec,
        sample_rate=rate,
        channels=channels,
        duration_ms=duration_ms,
        tags=read_tags(source, metadata.decode("utf-8", "replace")),
        cover=_cover(ffmpeg, source, known, streams),
    )


def sniff_file(source: Path) -> Format:
    """Return the format of a file; raises UnusableFile if it is empty or not audio we know."""
    with source.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    if not head:
        raise UnusableFile("The file is empty (0 bytes).")
    known = sniff(head)
    if known is None:
        foreign = guess_foreign(head)
        looks = f"it looks like {foreign}" if foreign else "its content is of no known audio format"
        raise UnusableFile(f"The file is not audio: {looks}.")
    return known


def _streams(run: Run) -> list[_Stream]:
    found: list[_Stream] = []
    for line, following in zip(run.log, (*run.log[1:], ""), strict=True):
        if line.startswith(("Output #", "Stream mapping")):
            break
        if match := _STREAM.match(line):
            found.append(_Stream(int(match["index"]), match["kind"], match["rest"], False))
        elif found and "Cover (front)" in line + following:
            found[-1] = _Stream(found[-1].index, found[-1].kind, found[-1].rest, True)
    return found


def _only_audio(run: Run, streams: list[_Stream]) -> _Stream:
    moving = [s for s in streams if s.kind == "Video" and not _STILL.search(s.rest)]
    audio = [s for s in streams if s.kind == "Audio"]
    if moving:
        codec = moving[0].rest.split(",")[0].split(" ")[0]
        raise UnusableFile(f"The file is a video ({codec}). Upload only its audio.")
    if not streams:
        raise UnusableFile(f"The file is damaged or cut off and cannot be read: {run.reason()}.")
    if not audio:
        raise UnusableFile("The file contains no audio.")
    if run.status:
        raise UnusableFile(f"The audio cannot be decoded: {run.reason()}.")
    return audio[0]


def _decoded_duration(run: Run, max_seconds: int) -> int:
    """Return what was decoded in ms; refuses nothing at all and far less than the header says."""
    decoded = (run.out_time_us or 0) / 1e6
    if decoded < 0.001:
        raise UnusableFile("The file contains no sound: its audio lasts 0 seconds.")
    if decoded > max_seconds:
        raise UnusableFile(
            f"The recording is longer than the {max_seconds / 3600:g} hours allowed. Split it."
        )
    matches = (_DURATION.match(line) for line in run.log)
    declared = next((_seconds(match) for match in matches if match), None)
    if declared and decoded < declared * _MIN_DECODED_SHARE:
        raise UnusableFile(
            f"The file is cut off or damaged: it should last {declared:.1f} seconds, "
            f"but only {decoded:.1f} can be decoded."
        )
    return round(decoded * 1000)


def _seconds(match: re.Match[str]) -> float:
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _audio_properties(rest: str) -> tuple[str, int, int]:
    parts = [part.strip() for part in rest.split(",")]
    rate = next((int(p.split()[0]) for p in parts if re.fullmatch(r"\d+ Hz", p)), 48000)
    layout = parts[2] if len(parts) > 2 else "stereo"
    surround = _SURROUND.match(layout)
    named = _CHANNELS.get(layout)
    channels = named or (sum(int(n or 0) for n in surround.groups()) if surround else 2)
    return parts[0].split(" ")[0], rate, channels


def _cover(
    ffmpeg: Ffmpeg, source: Path, known: Format, streams: list[_Stream]
) -> CoverImage | None:
    """Return the front cover (else the first picture) as JPEG; a broken picture is no cover."""
    pictures = [s for s in streams if s.kind == "Video"]
    chosen = next((s for s in pictures if s.front_cover), pictures[0] if pictures else None)
    if chosen is None:
        return None
    side = MAX_COVER_PIXELS
    shrink = f"scale=w='min({side},iw)':h='min({side},ih)':force_original_aspect_ratio=decrease"
    with tempfile.TemporaryDirectory() as folder:
        arguments = [
            "-map", f"0:{chosen.index}", "-frames:v", "1", "-map_metadata", "-1",
            "-vf", f"{shrink}:out_range=full,format=yuvj420p", "-c:v", "mjpeg", "-q:v", "3",
            "-f", "image2", "-update", "1", "cover.jpg",
        ]  # fmt: skip
        try:
            run = ffmpeg.run(source, known.demuxer, arguments, folder=Path(folder))
            jpeg = (Path(folder) / "cover.jpg").read_bytes()
        except (UnusableFile, FfmpegCrashed, FileNotFoundError) as error:
            log.info("cover_unusable", error=repr(error))
            return None
    size = _output_size(run)
    return CoverImage(jpeg, *size) if run.status == 0 and jpeg and size else None


def _output_size(run: Run) -> tuple[int, int] | None:
    lines = list(run.log)
    start = next((i for i, line in enumerate(lines) if line.startswith("Output #0")), len(lines))
    matches = (_SIZE.search(line) for line in lines[start:] if _STREAM.match(line))
    found = next((match for match in matches if match), None)
    return (int(found[1]), int(found[2])) if found else None
