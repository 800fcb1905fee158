"""The demo album as files: six tagged FLACs with a cover."""

import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from antiphon.demo.cover import WIDTH, pixels
from antiphon.demo.mastering import produce
from antiphon.demo.pieces import all_pieces
from antiphon.demo.score import Piece
from antiphon.ffmpeg import run_ffmpeg

ARTIST = "The Answering Choirs"
ALBUM = "Two Choirs"
_LICENCE = "CC0 1.0: https://creativecommons.org/publicdomain/zero/1.0/"


def make_album(folder: Path, on_track: Callable[[str], None]) -> list[Path]:
    """Make what is not there yet, on all cores, and return all files in the album's order.

    Files appear when they are whole. Raises EncodingError when ffmpeg does not do its part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces = all_pieces()
    paths = [folder / f"{number:02} {piece.title}.flac" for number, piece in enumerate(pieces, 1)]
    missing = [number for number, path in enumerate(paths) if not path.exists()]
    if not missing:
        return paths
    cover = folder / "cover.jpg"
    if not cover.exists():
        draw_cover(cover)
    # Spawned, not forked: the caller may have threads. Ctrl-C is the caller's to handle.
    with ProcessPoolExecutor(
        min(len(missing), os.cpu_count() or 1), get_context("spawn"), _ignore_interrupts
    ) as workers:
        jobs = {workers.submit(_make, number, cover, paths[number]): number for number in missing}
        for job in as_completed(jobs):
            job.result()
            on_track(pieces[jobs[job]].title)
    return paths


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _make(number: int, cover: Path, target: Path) -> None:
    pieces = all_pieces()
    draft = target.with_suffix(f".{os.getpid()}.tmp")
    with tempfile.TemporaryDirectory(prefix="antiphon-demo-") as scratch:
        tags = _tags(pieces[number], number + 1, len(pieces))
        produce(pieces[number], tags, cover, draft, Path(scratch))
    draft.replace(target)


def _tags(piece: Piece, number: int, total: int) -> dict[str, str]:
    return {
        "title": piece.title,
        "artist": ARTIST,
        "album": ALBUM,
        "album_artist": ARTIST,
        "track": f"{number}/{total}",
        "disc": "1/1",
        "date": "2026",
        "genre": piece.genre,
        "composer": "Antiphon",
        "comment": f"Composed and synthesised by Antiphon. {_LICENCE}",
        "license": _LICENCE,
    }


def draw_cover(target: Path) -> None:
    """Draw the cover as a JPEG, half as wide as its pixels are computed."""
    draft = target.with_suffix(f".{os.getpid()}.tmp")
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{WIDTH}", "-i", "-"]
    scaled = ["-vf", f"scale={WIDTH // 2}:-1:flags=area", "-frames:v", "1", "-q:v", "2"]
    exact = ["-flags:v", "+bitexact", "-f", "image2", "-c:v", "mjpeg"]
    run_ffmpeg([*raw, *scaled, *exact, draft], stdin=pixels())
    draft.replace(target)
