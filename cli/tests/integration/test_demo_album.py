import re
import time
from pathlib import Path

import pytest
from tinytag import TinyTag

from antiphon.demo.album import ALBUM, ARTIST, make_album
from antiphon.demo.library import make_library, plan_library
from antiphon.demo.pieces import all_pieces
from antiphon.ffmpeg import EncodingError, find_ffmpeg, run_ffmpeg


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Make the real album, once for all these tests."""
    return make_album(tmp_path_factory.mktemp("album"), lambda title: None)


def measured(path: Path) -> tuple[float, float]:
    """Return the integrated loudness (LUFS) and the true peak (dBTP)."""
    meter = "ebur128=peak=true:framelog=verbose"
    report = run_ffmpeg(["-i", path, "-map", "0:a", "-af", meter, "-f", "null", "-"])
    loudness = re.findall(r"\bI:\s+(-?[\d.]+) LUFS", report)[-1]
    return float(loudness), float(re.findall(r"\bPeak:\s+(-?[\d.]+) dBFS", report)[-1])


def levels(path: Path, filters: str) -> dict[str, float]:
    """Return the overall RMS and peak level (dB) after these filters."""
    meter = f"{filters},astats=measure_perchannel=none"
    report = run_ffmpeg(["-i", path, "-map", "0:a", "-af", meter, "-f", "null", "-"])
    found = re.findall(r"(RMS level dB|Peak level dB): (-?[\d.]+|-inf)", report)
    return {name: float(value) for name, value in found}


def test_every_track_is_loud_enough_and_never_clips(album: list[Path]) -> None:
    assert len(album) == len(all_pieces()) == 6
    for path in album:
        loudness, peak = measured(path)
        assert -20 <= loudness <= -16, path.name
        assert -8 <= peak <= -1.0, path.name


def test_every_track_is_tagged_and_has_the_cover(album: list[Path]) -> None:
    genres = set()
    for number, (path, piece) in enumerate(zip(album, all_pieces(), strict=True), start=1):
        tag = TinyTag.get(path, image=True)
        assert (tag.title, tag.artist, tag.album) == (piece.title, ARTIST, ALBUM)
        assert (tag.albumartist, tag.track, tag.track_total) == (ARTIST, number, 6)
        assert (tag.year, tag.genre, tag.composer) == ("2026", piece.genre, "Antiphon")
        assert "CC0" in (tag.comment or "")
        assert tag.duration == pytest.approx(piece.seconds, abs=0.1)
        assert (tag.samplerate, tag.channels, tag.bitdepth) == (44_100, 2, 16)
        front = tag.images.front_cover
        assert front is not None
        assert front.data.startswith(b"\xff\xd8\xff")
        genres.add(tag.genre)
    assert len(genres) == 6


def test_tracks_fade_to_silence_and_have_no_offset(album: list[Path]) -> None:
    for path, piece in zip(album, all_pieces(), strict=True):
        end = levels(path, f"atrim=start={piece.seconds - 0.05}")
        assert end["Peak level dB"] < -60, path.name
        assert levels(path, "lowpass=f=8,lowpass=f=8")["RMS level dB"] < -55, path.name


def test_the_choirs_stand_left_and_right(album: list[Path]) -> None:
    # The first choir sings alone up to 8 beats at 64 a minute, the second until 16.25.
    first, second = "atrim=1:7,asetpts=N/SR/TB", "atrim=9.5:14.5,asetpts=N/SR/TB"
    for part, louder, softer in ((first, "c0", "c1"), (second, "c1", "c0")):
        loud = levels(album[5], f"{part},pan=mono|c0={louder}")["RMS level dB"]
        soft = levels(album[5], f"{part},pan=mono|c0={softer}")["RMS level dB"]
        assert loud > soft + 6


def test_what_is_there_is_not_made_again_and_is_the_same_when_it_is(album: list[Path]) -> None:
    before = {path: path.read_bytes() for path in album}
    album[1].unlink()
    made: list[str] = []
    assert make_album(album[0].parent, made.append) == album
    assert made == ["Six Strings at Dawn"]
    assert {path: path.read_bytes() for path in album} == before
    assert not list(album[0].parent.glob("*.tmp"))


def test_a_library_is_many_different_tagged_files(tmp_path: Path) -> None:
    began = time.monotonic()
    paths = make_library(tmp_path, 60)
    assert time.monotonic() - began < 60
    assert len({path.read_bytes() for path in paths}) == 60
    assert {path.suffix for path in paths} == {".mp3", ".flac", ".ogg", ".m4a"}
    for path, song in zip(paths, plan_library(60), strict=True):
        tag = TinyTag.get(path)
        assert (tag.title, tag.artist, tag.album) == (song.title, song.artist, song.album)
        assert (tag.track, tag.genre, tag.year) == (song.track, song.genre, str(song.year))
        assert tag.duration == pytest.approx(song.seconds, abs=0.15)


def test_a_large_library_spreads_over_artists_and_albums() -> None:
    songs = plan_library(200)
    assert len({song.path for song in songs}) == 200
    assert len({song.title for song in songs}) == 200
    assert len({song.artist for song in songs}) == 10
    assert len({(song.artist, song.album) for song in songs}) == 20


def test_ffmpeg_says_why_it_failed(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match=r"ffmpeg failed: .*missing\.wav"):
        run_ffmpeg(["-i", tmp_path / "missing.wav", "-f", "null", "-"])


def test_without_ffmpeg_in_the_path_the_wheel_has_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Path(find_ffmpeg()).is_file()
