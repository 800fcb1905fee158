import re
from array import array
from collections.abc import Callable
from pathlib import Path

import m3u8
import pytest

from media.adapters.ffmpeg import Ffmpeg
from media.adapters.transcoder import FfmpegTranscoder
from media.ports import Transcoded

MakeAudio = Callable[..., Path]
RunFfmpeg = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.fixture
def transcode(ffmpeg: Ffmpeg, folder: Path) -> Callable[..., Transcoded]:
    def run(source: Path, progress: Callable[[float], None] = lambda _share: None) -> Transcoded:
        transcoder = FfmpegTranscoder(ffmpeg)
        return transcoder.transcode(source, folder, transcoder.describe(source), progress)

    return run


Transcode = Callable[..., Transcoded]


def _duration(run_ffmpeg: RunFfmpeg, path: Path) -> float:
    log = run_ffmpeg("-i", path, "-map", "0:a:0", "-f", "null", "-")
    hours, minutes, seconds = re.findall(r"time=(\d+):(\d+):([\d.]+)", log)[-1]
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", {}),
        ("a.flac", {"rate": 96000}),
        ("a.ogg", {"rate": 48000}),
        ("a.wav", {"channels": 1}),
        ("a.m4a", {}),
        ("a.wav", {"channels": 6, "rate": 48000}),
        ("a.wav", {"channels": 1, "rate": 8000}),
        ("a.opus", {"rate": 48000, "channels": 1}),
    ],
)
def test_every_rendition_decodes_without_a_warning(
    transcode: Transcode,
    make_audio: MakeAudio,
    run_ffmpeg: RunFfmpeg,
    folder: Path,
    name: str,
    options: dict[str, int],
) -> None:
    codec = ("-c:a", "libvorbis") if name.endswith(".ogg") else ()
    made = transcode(make_audio(name, *codec, seconds=13, **options))
    assert [r.name for r in made.renditions] == ["64k", "128k", "256k"]
    everything = ["-i", folder / "master.m3u8", "-map", "0", "-f", "null", "-"]
    assert run_ffmpeg("-v", "warning", *everything) == ""
    for rendition in made.renditions:
        for suffix in ("m3u8", "m4s"):
            path = folder / f"{rendition.name}.{suffix}"
            assert run_ffmpeg("-v", "warning", "-i", path, "-f", "null", "-") == ""
            # AAC adds a frame of 1024 samples before and up to one after.
            assert _duration(run_ffmpeg, path) == pytest.approx(13, abs=0.07)
        assert (folder / f"{rendition.name}.m4s").stat().st_size == rendition.size_bytes


def test_segments_start_at_their_fragment_and_are_not_contiguous(
    transcode: Transcode, make_audio: MakeAudio, folder: Path
) -> None:
    """ffmpeg 9 joins contiguous ranges to one request over HTTP and then plays only the first."""
    transcode(make_audio("a.wav", seconds=13))
    segments = m3u8.load(str(folder / "128k.m3u8")).segments
    data = (folder / "128k.m4s").read_bytes()
    ranges = [tuple(map(int, segment.byterange.split("@"))) for segment in segments]
    assert len(ranges) == 3
    for (size, start), following in zip(ranges, [*ranges[1:], (0, len(data) + 1)], strict=True):
        assert data[start + 4 : start + 8] == b"moof"
        assert start + size < following[1]


def test_the_playlists_are_valid_single_file_hls(
    transcode: Transcode, make_audio: MakeAudio, folder: Path
) -> None:
    transcode(make_audio("a.wav", seconds=13))
    assert {path.name for path in folder.iterdir()} == {
        "master.m3u8",
        *(f"{n}k.{suffix}" for n in (64, 128, 256) for suffix in ("m3u8", "m4s")),
    }
    master = m3u8.load(str(folder / "master.m3u8"))
    assert master.is_independent_segments
    assert [variant.uri for variant in master.playlists] == ["64k.m3u8", "128k.m3u8", "256k.m3u8"]
    bandwidths = [variant.stream_info.bandwidth for variant in master.playlists]
    assert bandwidths == sorted(bandwidths)
    for variant, nominal in zip(master.playlists, (64, 128, 256), strict=True):
        assert variant.stream_info.codecs == "mp4a.40.2"
        assert variant.stream_info.bandwidth == pytest.approx(nominal * 1000, rel=0.15)
        media = m3u8.load(str(folder / variant.uri))
        assert media.is_independent_segments
        assert media.is_endlist
        assert media.playlist_type == "vod"
        assert len(media.segments) == 3
        assert sum(s.duration for s in media.segments) == pytest.approx(13, abs=0.1)
        end = 0
        for segment in (media.segment_map[0], *media.segments):
            length, start = map(int, segment.byterange.split("@"))
            assert start >= end
            end = start + length
        assert end == (folder / variant.uri).with_suffix(".m4s").stat().st_size


@pytest.mark.parametrize(("volume", "channels"), [(1.0, 2), (0.1, 2), (0.5, 1)])
def test_loudness_is_what_ffmpeg_measures_alone(
    transcode: Transcode,
    make_audio: MakeAudio,
    run_ffmpeg: RunFfmpeg,
    volume: float,
    channels: int,
) -> None:
    source = make_audio("a.flac", seconds=8, volume=volume, channels=channels)
    log = run_ffmpeg("-i", source, "-af", "ebur128=peak=true", "-f", "null", "-")
    summary = log.rpartition("Summary:")[2]
    integrated, spread, peak = (
        float(re.findall(pattern, summary)[-1])
        for pattern in (r"I:\s+(-?[\d.]+) LUFS", r"LRA:\s+(-?[\d.]+) LU", r"Peak:\s+(-?[\d.]+)")
    )
    measured = transcode(source).loudness
    assert measured is not None
    assert measured.integrated_lufs == pytest.approx(integrated, abs=0.2)
    assert measured.range_lu == pytest.approx(spread, abs=0.2)
    assert measured.true_peak_dbtp == pytest.approx(peak, abs=0.2)


def test_silence_has_no_loudness(transcode: Transcode, make_audio: MakeAudio) -> None:
    made = transcode(make_audio("a.wav", volume=0.0))
    assert made.loudness is None
    assert set(made.waveform.data) == {0}


def test_the_waveform_follows_the_sound(
    transcode: Transcode, make_audio: MakeAudio, run_ffmpeg: RunFfmpeg, tmp_path: Path
) -> None:
    loud, shaped = make_audio("loud.wav", seconds=10, volume=1.0), tmp_path / "shaped.wav"
    run_ffmpeg("-i", loud, "-af", "volume=0.1:enable='lt(t,5)'", shaped)
    waveform = transcode(shaped).waveform
    data = array("b", waveform.data)
    assert len(data) // 2 == pytest.approx(1000, abs=5)
    seconds = waveform.samples_per_pixel * len(data) / 2 / waveform.sample_rate
    assert seconds == pytest.approx(10, abs=0.1)
    lows, highs = data[0::2], data[1::2]
    assert all(low <= high for low, high in zip(lows, highs, strict=True))
    quiet, noisy = highs[50:450], highs[550:950]
    assert max(quiet) < min(noisy)
    assert min(noisy) / max(quiet) == pytest.approx(10, rel=0.6)


def test_a_clip_of_a_moment_is_transcoded_too(
    transcode: Transcode, make_audio: MakeAudio, folder: Path, run_ffmpeg: RunFfmpeg
) -> None:
    transcode(make_audio("a.wav", seconds=0.05))
    assert run_ffmpeg("-v", "warning", "-i", folder / "master.m3u8", "-f", "null", "-") == ""


def test_progress_rises_to_one(transcode: Transcode, make_audio: MakeAudio) -> None:
    shares: list[float] = []
    transcode(make_audio("a.wav", seconds=60), shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.01)
    assert all(0 <= share <= 1 for share in shares)


def test_nothing_private_gets_into_the_renditions(
    transcode: Transcode, make_audio: MakeAudio, folder: Path
) -> None:
    transcode(make_audio("a.mp3", title="Secret title", comment="secret comment"))
    for path in folder.iterdir():
        assert b"ecret" not in path.read_bytes()
        assert str(folder).encode() not in path.read_bytes()
