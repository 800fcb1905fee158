"""Encode, measure and draw in one run of ffmpeg that decodes once."""

import math
import re
import struct
from array import array
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from media.adapters.ffmpeg import Ffmpeg, Run
from media.adapters.probe import sniff_file
from media.errors import UnusableFile
from media.ports import Description, Loudness, RenditionFile, Transcoded, Waveform

SEGMENT_SECONDS = 6
NOMINAL_KBPS = (64, 128, 256)
PEAKS = 1000
PEAK_SAMPLE_RATE = 16_000
_MONO_KBPS = 160
_LEAST_KBPS = 32
_ENCODED_RATES = (32_000, 44_100, 48_000)
_SEGMENT = re.compile(r"#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@")
_BYTE_RANGE = re.compile(r"#EXT-X-BYTERANGE:(\d+)@(\d+)")
_INTEGRATED = re.compile(r"^\s+I:\s+(-?[\d.]+|-?inf|nan) LUFS")
_RANGE = re.compile(r"^\s+LRA:\s+(-?[\d.]+|-?inf|nan) LU$")
_TRUE_PEAK = re.compile(r"^\s+Peak:\s+(-?[\d.]+|-?inf|nan) dBFS")
_ABSOLUTE_GATE = -70.0


def transcode(
    ffmpeg: Ffmpeg,
    source: Path,
    folder: Path,
    described: Description,
    progress: Callable[[float], None],
) -> Transcoded:
    """Write three AAC renditions as single-file CMAF HLS into `folder`; measure EBU R128 and peaks.

    `progress` gets 0..1. Raises UnusableFile if ffmpeg cannot read the audio to its end.
    """
    rate, channels = output_rate(described.sample_rate), min(described.channels, 2)
    bitrates = bitrates_kbps(described.sample_rate, channels)
    peaks = _Peaks(described.duration_ms)
    total_us = max(described.duration_ms * 1000, 1)
    run = ffmpeg.run(
        source,
        sniff_file(source).demuxer,
        [
            *_filters(rate, channels),
            *_renditions(bitrates),
            "-map",
            "[peaks]",
            "-f",
            "s16le",
            "pipe:1",
        ],
        folder=folder,
        output=peaks.read,
        progress=lambda done_us: progress(min(done_us / total_us, 1.0)),
    )
    if run.status:
        raise UnusableFile(f"The audio cannot be converted: {run.reason()}.")
    _complete_playlists(folder)
    return Transcoded(
        renditions=tuple(
            _rendition(folder, n, kbps) for n, kbps in zip(NOMINAL_KBPS, bitrates, strict=True)
        ),
        loudness=_loudness(run),
        waveform=peaks.waveform(),
    )


def output_rate(sample_rate: int) -> int:
    """Return the sampling rate to encode at: one that every player takes, near the source's."""
    if sample_rate in _ENCODED_RATES:
        return sample_rate
    related = sample_rate % 44_100 == 0 or 44_100 % sample_rate == 0
    return 44_100 if related else 48_000


def bitrates_kbps(sample_rate: int, channels: int) -> tuple[int, ...]:
    """Return the three bit rates: nominal, but no more than the source can make use of."""
    # 3 bits a sample is past transparent for AAC-LC; the format itself ends at 6.
    ceiling = max(sample_rate * channels * 3 // 1000, _LEAST_KBPS)
    if channels == 1:
        ceiling = min(ceiling, _MONO_KBPS)
    return tuple(min(nominal, ceiling) for nominal in NOMINAL_KBPS)


def _filters(rate: int, channels: int) -> list[str]:
    layout = "mono" if channels == 1 else "stereo"
    measured = "[0:a:0]ebur128=peak=true:framelog=verbose"
    shaped = f"aformat=sample_rates={rate}:channel_layouts={layout}"
    drawn = f"aformat=sample_fmts=s16:sample_rates={PEAK_SAMPLE_RATE}:channel_layouts=mono"
    graph = f"{measured},{shaped},asplit=4[a0][a1][a2][all];[all]{drawn}[peaks]"
    return ["-filter_complex", graph]


def _renditions(bitrates: tuple[int, ...]) -> list[str]:
    encoders = [
        argument
        for index, kbps in enumerate(bitrates)
        for argument in ("-map", f"[a{index}]", f"-c:a:{index}", "aac", f"-b:a:{index}", f"{kbps}k")
    ]
    variants = " ".join(f"a:{index},name:{n}k" for index, n in enumerate(NOMINAL_KBPS))
    return [
        *encoders, "-map_metadata", "-1", "-map_chapters", "-1",
        "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod",
        "-hls_segment_type", "fmp4", "-hls_flags", "single_file",
        "-var_stream_map", variants,
        "-hls_segment_filename", "%v.m4s", "%v.m3u8",
    ]  # fmt: skip


def _complete_playlists(folder: Path) -> None:
    """Add the tag that ffmpeg leaves out without video, and the playlist of playlists.

    ffmpeg's own master lists nothing when a clip is shorter than a tenth of a second.
    """
    master = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for nominal in NOMINAL_KBPS:
        playlist = folder / f"{nominal}k.m3u8"
        text = playlist.read_text("ascii").replace("TARGETDURATION:0\n", "TARGETDURATION:1\n")
        with (folder / f"{nominal}k.m4s").open("rb") as media:
            text = _BYTE_RANGE.sub(partial(_start_at_fragment, media), text)
        head, body = text.split("#EXT-X-TARGETDURATION", 1)
        text = f"{head}#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION{body}"
        playlist.write_text(text, "ascii")
        master += [_variant(text), playlist.name]
    (folder / "master.m3u8").write_text("\n".join(master) + "\n", "ascii")


def _start_at_fragment(media: IO[bytes], found: re.Match[str]) -> str:
    """Move the start of a segment past the boxes that only index it (ISO 14496-12), to its `moof`.

    Without the gap that this leaves, ffmpeg 9 reads all segments in one HTTP request and stops
    after the first.
    """
    size, start = int(found[1]), int(found[2])
    end = start + size
    while start < end:
        media.seek(start)
        length, kind = struct.unpack(">I4s", media.read(8))
        if kind == b"moof":
            return f"#EXT-X-BYTERANGE:{end - start}@{start}"
        start += length
    raise ValueError(f"there is no fragment in the segment at {found[2]}")


def _variant(playlist: str) -> str:
    """Return the EXT-X-STREAM-INF of a media playlist (RFC 8216 §4.3.4.2), in bits per second."""
    segments = [(float(seconds), int(size) * 8) for seconds, size in _SEGMENT.findall(playlist)]
    peak = max(math.ceil(bits / seconds) for seconds, bits in segments)
    average = math.ceil(sum(b for _, b in segments) / sum(seconds for seconds, _ in segments))
    rates = f"BANDWIDTH={peak},AVERAGE-BANDWIDTH={average}"
    return f'#EXT-X-STREAM-INF:{rates},CODECS="mp4a.40.2"'


def _rendition(folder: Path, nominal: int, kbps: int) -> RenditionFile:
    size = (folder / f"{nominal}k.m4s").stat().st_size
    return RenditionFile(f"{nominal}k", kbps, "aac", size)


def _loudness(run: Run) -> Loudness | None:
    """Read the summary of ffmpeg's ebur128; None for silence, which has no loudness."""
    integrated, spread, peak = (_last(run, p) for p in (_INTEGRATED, _RANGE, _TRUE_PEAK))
    if integrated is None or spread is None or peak is None or integrated <= _ABSOLUTE_GATE:
        return None
    return Loudness(integrated, peak, spread)


def _last(run: Run, pattern: re.Pattern[str]) -> float | None:
    values = [match[1] for line in run.log if (match := pattern.match(line))]
    return float(values[-1]) if values and values[-1].lstrip("-") not in ("inf", "nan") else None


class _Peaks:
    """Reduces 16-bit mono samples to the lowest and highest of each stretch."""

    def __init__(self, duration_ms: int) -> None:
        self._per_peak = max(1, round(duration_ms * PEAK_SAMPLE_RATE / 1000 / PEAKS))
        self._data = array("b")

    def read(self, stream: IO[bytes]) -> None:
        """Take all samples of `stream` (s16, little-endian)."""
        while chunk := stream.read(self._per_peak * 2):
            samples = array("h", chunk[: len(chunk) // 2 * 2])
            if samples:
                self._data.append(min(samples) >> 8)
                self._data.append(max(samples) >> 8)

    def waveform(self) -> Waveform:
        """Return what was read so far."""
        return Waveform(PEAK_SAMPLE_RATE, self._per_peak, self._data.tobytes())
