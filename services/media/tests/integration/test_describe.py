import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from media.adapters.ffmpeg import Ffmpeg
from media.adapters.transcoder import FfmpegTranscoder
from media.errors import UnusableFile
from media.ports import Description

MakeAudio = Callable[..., Path]
RunFfmpeg = Callable[..., str]


@pytest.fixture
def describe(ffmpeg: Ffmpeg) -> Callable[[Path], Description]:
    return FfmpegTranscoder(ffmpeg).describe


Describe = Callable[[Path], Description]


@pytest.mark.parametrize(
    ("name", "arguments", "media_type", "codec"),
    [
        ("a.mp3", (), "audio/mpeg", "mp3"),
        ("a.flac", (), "audio/flac", "flac"),
        ("a.ogg", ("-c:a", "libvorbis"), "audio/ogg", "vorbis"),
        ("a.opus", (), "audio/ogg", "opus"),
        ("a.wav", (), "audio/wav", "pcm_s16le"),
        ("a.m4a", (), "audio/mp4", "aac"),
        ("a.aiff", (), "audio/aiff", "pcm_s16be"),
        ("a.aac", (), "audio/aac", "aac"),
        ("a.wma", (), "audio/x-ms-wma", "wmav2"),
        ("a.webm", ("-c:a", "libopus"), "audio/webm", "opus"),
        ("a.wv", (), "audio/x-wavpack", "wavpack"),
        ("a.caf", (), "audio/x-caf", "pcm_s16be"),
    ],
)
def test_formats(
    describe: Describe,
    make_audio: MakeAudio,
    name: str,
    arguments: tuple[str, ...],
    media_type: str,
    codec: str,
) -> None:
    path = make_audio(name, *arguments, seconds=2)
    found = describe(path.rename(path.with_name("no-name-tells-the-type")))
    assert (found.media_type, found.codec, found.channels) == (media_type, codec, 2)
    assert found.duration_ms == pytest.approx(2000, abs=120)
    assert found.sample_rate in (44100, 48000)
    assert found.cover is None


@pytest.mark.parametrize(("channels", "rate"), [(1, 8000), (1, 44100), (2, 96000), (6, 48000)])
def test_channels_and_rates(
    describe: Describe, make_audio: MakeAudio, channels: int, rate: int
) -> None:
    found = describe(make_audio("a.wav", channels=channels, rate=rate))
    assert (found.channels, found.sample_rate) == (channels, rate)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.m4a", "a.wma"])
def test_tags_of_each_format(describe: Describe, make_audio: MakeAudio, name: str) -> None:
    tags = {"title": "Águas", "artist": "Ännchen", "album": "Ål", "album_artist": "Various"}
    codec = ("-c:a", "libvorbis") if name.endswith("ogg") else ()
    path = make_audio(name, *codec, **tags, track="3/9", date="1999-05-01", genre="Jazz;Bossa Nova")
    found = describe(path).tags
    assert found.model_dump(include=set(tags)) == tags
    assert (found.track_number, found.year) == (3, 1999)
    assert found.genres == ("Jazz", "Bossa Nova")


def test_tags_of_a_format_that_only_ffmpeg_reads(describe: Describe, make_audio: MakeAudio) -> None:
    awkward = "semi;colon = #hash \\ backslash"
    path = make_audio("a.mka", "-c:a", "flac", title=awkward, artist="Two\nlines", track="7")
    found = describe(path).tags
    assert (found.title, found.artist, found.track_number) == (awkward, "Two lines", 7)


def _id3v23(frames: dict[bytes, bytes]) -> bytes:
    body = b"".join(
        name + struct.pack(">I", len(text)) + b"\x00\x00" + text for name, text in frames.items()
    )
    size = bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (b"\x00" + "Café".encode("latin-1"), "Café"),
        (b"\x01" + "Привет".encode("utf-16"), "Привет"),
        (b"\x00" + "Привет".encode("cp1251"), "Привет".encode("cp1251").decode("latin-1")),
        (b"\x00Nul\x00led", None),
        (b"\x01\xff\xfeodd", None),
        (b"\x07unknown encoding", None),
        (b"", None),
        (b"\x03" + b"\xff\xfe not utf-8", None),
    ],
)
def test_odd_encodings_never_cost_a_track(
    describe: Describe, make_audio: MakeAudio, tmp_path: Path, raw: bytes, title: str | None
) -> None:
    plain = make_audio("a.mp3", "-id3v2_version", "0", "-write_xing", "0", seconds=1)
    odd = tmp_path / "odd.mp3"
    odd.write_bytes(_id3v23({b"TIT2": raw, b"TPE1": b"\x00Somebody"}) + plain.read_bytes())
    found = describe(odd)
    assert found.duration_ms == pytest.approx(1000, abs=80)
    if title is not None:
        assert found.tags.title == title
    assert "\x00" not in (found.tags.title or "")


def test_a_cover_is_reencoded_and_shrunk(
    describe: Describe, make_audio: MakeAudio, run_ffmpeg: RunFfmpeg, tmp_path: Path
) -> None:
    picture, audio = tmp_path / "cover.png", make_audio("plain.mp3")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=size=1600x1200", "-frames:v", 1, "-update", 1, picture)
    covered = tmp_path / "covered.mp3"
    run_ffmpeg("-i", audio, "-i", picture, "-map", 0, "-map", 1, "-c", "copy", covered)
    cover = describe(covered).cover
    assert cover is not None
    assert (cover.width, cover.height) == (1000, 750)
    assert cover.jpeg.startswith(b"\xff\xd8\xff")
    (tmp_path / "out.jpg").write_bytes(cover.jpeg)
    assert "1000x750" in run_ffmpeg("-i", tmp_path / "out.jpg", "-f", "null", "-")


def test_a_broken_cover_is_no_cover(
    describe: Describe, make_audio: MakeAudio, tmp_path: Path
) -> None:
    plain = make_audio("a.mp3", "-id3v2_version", "0", "-write_xing", "0")
    apic = b"\x00image/png\x00\x03\x00\x89PNG\r\n\x1a\n" + b"garbage" * 50
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(_id3v23({b"APIC": apic, b"TIT2": b"\x00Title"}) + plain.read_bytes())
    found = describe(broken)
    assert found.cover is None
    assert found.tags.title == "Title"


def _video(folder: Path, make_audio: MakeAudio, run_ffmpeg: RunFfmpeg) -> Path:
    path = folder / "video.mp4"
    run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc=size=160x120:duration=1", "-i", make_audio("a.wav"), path
    )
    return path


def _silent_video(folder: Path, _make_audio: MakeAudio, run_ffmpeg: RunFfmpeg) -> Path:
    path = folder / "video.mkv"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=size=160x120:duration=1", path)
    return path


def _bytes(content: bytes) -> Callable[..., Path]:
    def make(folder: Path, *_: Any) -> Path:
        path = folder / "claims-to-be.mp3"
        path.write_bytes(content)
        return path

    return make


def _cut(name: str, keep: float, *arguments: str) -> Callable[..., Path]:
    def make(_folder: Path, make_audio: MakeAudio, _run: RunFfmpeg) -> Path:
        path = make_audio(name, *arguments, seconds=10)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
        return path

    return make


def _no_samples(folder: Path, _make_audio: MakeAudio, run_ffmpeg: RunFfmpeg) -> Path:
    path = folder / "empty.wav"
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-af", "atrim=end_sample=0", path)
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_bytes(b""), "is empty"),
        (_bytes(b"just some text\n" * 100), "looks like text"),
        (_bytes(b"#EXTM3U\nfile:///etc/passwd\n"), "looks like text"),
        (_bytes(bytes(range(256)) * 100), "no known audio format"),
        (_bytes(b"fLaC" + bytes(5000)), "cannot be"),
        (_bytes(b"OggS" + bytes(5000)), "cannot be"),
        (_bytes(b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00" + bytes(5000)), "cannot be"),
        (_cut("a.m4a", 0.5), "cannot be"),
        (_cut("a.flac", 0.1), "cut off"),
        (_cut("a.aiff", 0.1), "cut off"),
        (_cut("a.mp3", 0.1), "cut off"),
        (_video, "is a video"),
        (_silent_video, "is a video"),
        (_no_samples, "lasts 0 seconds"),
    ],
)
def test_what_is_refused_and_why(
    describe: Describe,
    make_audio: MakeAudio,
    run_ffmpeg: RunFfmpeg,
    tmp_path: Path,
    make: Callable[..., Path],
    reason: str,
) -> None:
    with pytest.raises(UnusableFile, match=reason) as refused:
        describe(make(tmp_path, make_audio, run_ffmpeg))
    assert str(tmp_path) not in refused.value.detail


def test_enormous_tags_do_not_stop_the_work(
    describe: Describe, make_audio: MakeAudio, tmp_path: Path
) -> None:
    plain = make_audio("a.mp3", "-id3v2_version", "0", "-write_xing", "0", seconds=1)
    big = tmp_path / "big.mp3"
    comment = b"\x00TEXT\x00" + b"la " * 1_500_000
    big.write_bytes(_id3v23({b"TIT2": b"\x00Title", b"TXXX": comment}) + plain.read_bytes())
    assert describe(big).tags.title == "Title"


def test_a_recording_may_be_too_long(ffmpeg: Ffmpeg, make_audio: MakeAudio) -> None:
    audio = make_audio("a.wav", seconds=8, rate=8000, channels=1)
    assert FfmpegTranscoder(ffmpeg, max_seconds=8).describe(audio).duration_ms == 8000
    with pytest.raises(UnusableFile, match=r"longer than the 0\.00194444 hours"):
        FfmpegTranscoder(ffmpeg, max_seconds=7).describe(audio)


def test_describing_can_be_ended(ffmpeg: Ffmpeg, make_audio: MakeAudio) -> None:
    def stop() -> None:
        raise KeyError("lease lost")

    with pytest.raises(KeyError, match="lease lost"):
        FfmpegTranscoder(ffmpeg).describe(make_audio("a.wav"), stop)


def test_a_container_cannot_make_ffmpeg_read_other_files(
    describe: Describe, tmp_path: Path
) -> None:
    # An m3u8 whose first bytes are no text: only the sniffed demuxer may open it.
    trick = tmp_path / "trick.mp3"
    trick.write_bytes(b"#EXTM3U\n#EXTINF:1,\nconcat:/etc/hostname|/etc/passwd\n\x00\x01")
    with pytest.raises(UnusableFile, match="not audio"):
        describe(trick)
