"""Many small tagged files, no two alike: `python -m antiphon.demo.library FOLDER --count 200`."""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from antiphon.demo.score import frequency
from antiphon.ffmpeg import run_ffmpeg

_ADJECTIVES = ("Amber", "Distant", "Hollow", "Little", "Northern", "Quiet", "Silver", "Velvet")
_NOUNS = ("Harbour", "Lantern", "Meadow", "Orchard", "River", "Signal", "Station", "Winter")
_GENRES = ("Ambient", "Folk", "Jazz", "Rock", "Electronic", "Classical", "Soul")
_ENCODINGS = (  # file name extension, ffmpeg's arguments
    ("mp3", ("-c:a", "libmp3lame", "-b:a", "64k")),
    ("flac", ("-c:a", "flac")),
    ("ogg", ("-c:a", "libvorbis", "-q:a", "1")),
    ("m4a", ("-c:a", "aac", "-b:a", "64k")),
)
_TRACKS_AN_ALBUM = 10
_FILES_A_RUN = 20  # one ffmpeg makes several: starting it costs more than a short tone


@dataclass(frozen=True, slots=True)
class Song:
    """What the tags of one generated file say, and the tone in it (Hz, seconds)."""

    title: str
    artist: str
    album: str
    track: int
    year: int
    genre: str
    hertz: float
    seconds: float
    encoding: int

    @property
    def path(self) -> Path:
        """Return where the file goes, below the library's folder."""
        extension = _ENCODINGS[self.encoding][0]
        return Path(self.artist, self.album, f"{self.track:02} {self.title}.{extension}")


def plan_library(count: int) -> list[Song]:
    """Return `count` songs, ten an album, two albums an artist; always the same ones."""
    return [_song(number) for number in range(count)]


def _song(number: int) -> Song:
    album = number // _TRACKS_AN_ALBUM
    artist = album // 2
    return Song(
        title=f"{_ADJECTIVES[number % 8]} {_NOUNS[number // 8 % 8]} {number + 1}",
        artist=f"The {_ADJECTIVES[artist // 8 % 8]} {_NOUNS[artist % 8]}s",
        album=f"{_NOUNS[album % 8]} {album + 1}",
        track=number % _TRACKS_AN_ALBUM + 1,
        year=1990 + album % 35,
        genre=_GENRES[artist % len(_GENRES)],
        hertz=frequency(48 + number % 36),
        # A different length each: so are the bytes, whatever the encoder makes of the tone.
        seconds=1 + (number * 37 % 1000) / 1000,
        encoding=number % len(_ENCODINGS),
    )


def make_library(folder: Path, count: int) -> list[Path]:
    """Make `count` files of 1 to 2 s below a folder, on all cores; EncodingError if ffmpeg fails.

    About 20 ms a file and core. The same count gives the same library.
    """
    songs = plan_library(count)
    runs = [songs[at : at + _FILES_A_RUN] for at in range(0, count, _FILES_A_RUN)]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        list(workers.map(lambda run: _encode(folder, run), runs))
    return [folder / song.path for song in songs]


def _encode(folder: Path, songs: Sequence[Song]) -> None:
    inputs: list[str | Path] = []
    outputs: list[str | Path] = []
    for number, song in enumerate(songs):
        target = folder / song.path
        target.parent.mkdir(parents=True, exist_ok=True)
        tone = f"sine=frequency={song.hertz:.2f}:duration={song.seconds}:sample_rate=44100"
        inputs += ["-f", "lavfi", "-i", f"{tone},afade=out:st={song.seconds - 0.2}:d=0.2"]
        outputs += ["-map", str(number), *_ENCODINGS[song.encoding][1], *_tags(song), target]
    run_ffmpeg([*inputs, *outputs])


def _tags(song: Song) -> list[str]:
    tags = {
        "title": song.title,
        "artist": song.artist,
        "album_artist": song.artist,
        "album": song.album,
        "track": f"{song.track}/{_TRACKS_AN_ALBUM}",
        "date": str(song.year),
        "genre": song.genre,
    }
    return [part for name, value in tags.items() for part in ("-metadata", f"{name}={value}")]


def main() -> None:
    """Read the command line and make a library."""
    parser = argparse.ArgumentParser(description="Make many small tagged audio files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    paths = make_library(arguments.folder, arguments.count)
    print(f"{len(paths)} files in {arguments.folder}")


if __name__ == "__main__":
    main()
