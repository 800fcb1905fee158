"""ffmpeg runs on files from strangers: it ends when it should and takes what it may."""

import contextlib
import dataclasses
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from media.adapters.ffmpeg import Ffmpeg, FfmpegCrashed, find_ffmpeg
from media.adapters.transcoder import FfmpegTranscoder
from media.errors import UnusableFile

MakeAudio = Callable[..., Path]

# Reads forever, so that only somebody else can end it.
FOREVER = ["-filter_complex", "[0:a]aloop=loop=-1:size=10000", "-f", "null", "-"]


def _children_reading(path: Path) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and str(path).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it ended while we looked
            continue
    return found


def _wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_past_the_deadline_it_is_killed_and_the_file_blamed(
    ffmpeg: Ffmpeg, make_audio: MakeAudio
) -> None:
    source = make_audio("a.wav", seconds=1)
    hasty = dataclasses.replace(ffmpeg, timeout_seconds=1)
    started = time.monotonic()
    with pytest.raises(UnusableFile, match="longer than 1 seconds"):
        hasty.run(source, "wav", FOREVER)
    assert time.monotonic() - started < 5
    assert _children_reading(source) == []


def test_a_callback_that_raises_ends_it(ffmpeg: Ffmpeg, make_audio: MakeAudio) -> None:
    source = make_audio("a.wav", seconds=1)

    def stop(_done_us: int) -> None:
        raise KeyError("lease lost")

    with pytest.raises(KeyError, match="lease lost"):
        ffmpeg.run(source, "wav", FOREVER, progress=stop)
    assert _children_reading(source) == []


def test_being_killed_says_nothing_about_the_file(ffmpeg: Ffmpeg, make_audio: MakeAudio) -> None:
    source = make_audio("a.wav", seconds=1)

    def kill_it(_done_us: int) -> None:
        for pid in _children_reading(source):
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(FfmpegCrashed, match="signal 9"):
        ffmpeg.run(source, "wav", FOREVER, progress=kill_it)


def test_a_full_disk_says_nothing_about_the_file(ffmpeg: Ffmpeg, make_audio: MakeAudio) -> None:
    source = make_audio("a.wav", seconds=5)
    with pytest.raises(FfmpegCrashed, match="could not write"):
        ffmpeg.run(source, "wav", ["-f", "wav", "/dev/full"])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1", "ended with 1 and said nothing"),
        ("exit 0", "ended with 0 and said nothing"),
        ("echo 'error while loading shared libraries: libx.so' >&2; exit 127",
         "could not be started: error while loading shared libraries"),
    ],
)  # fmt: skip
def test_a_program_that_is_no_ffmpeg_says_nothing_about_the_file(
    make_audio: MakeAudio, tmp_path: Path, script: str, said: str
) -> None:
    source, program = make_audio("a.wav", seconds=1), tmp_path / "broken"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(FfmpegCrashed, match=said):
        FfmpegTranscoder(Ffmpeg(program)).describe(source)


@pytest.mark.parametrize("mode", [None, 0o644])
def test_a_program_that_cannot_be_started_says_nothing_about_the_file(
    make_audio: MakeAudio, tmp_path: Path, mode: int | None
) -> None:
    source, program = make_audio("a.wav", seconds=1), tmp_path / "ffmpeg"
    if mode is not None:
        program.touch(mode)
    with pytest.raises(FfmpegCrashed, match="could not be started"):
        FfmpegTranscoder(Ffmpeg(program)).describe(source)


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
def test_memory_is_limited(ffmpeg: Ffmpeg, make_audio: MakeAudio) -> None:
    source = make_audio("a.wav", seconds=1)
    hoard = ["-filter_complex", "[0:a]aloop=loop=-1:size=200000000,areverse", "-f", "null", "-"]
    small = dataclasses.replace(ffmpeg, memory_bytes=1 << 30)
    with contextlib.suppress(FfmpegCrashed):  # the allocator may also abort
        assert small.run(source, "wav", hoard).status != 0
    assert small.run(source, "wav", ["-f", "null", "-"]).status == 0


@pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="only Linux shares out processors by session"
)
def test_it_yields_to_other_sessions(make_audio: MakeAudio, tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\ncat /proc/self/autogroup >&2\n")
    program.chmod(0o755)
    (line,) = Ffmpeg(program).run(make_audio("a.wav", seconds=1), "wav", []).log
    assert line.endswith("nice 10")


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_a_killed_worker_leaves_no_ffmpeg_running(
    ffmpeg_binary: Path, make_audio: MakeAudio
) -> None:
    source = make_audio("a.wav", seconds=1)
    program = (
        "from pathlib import Path; from threading import Thread;"
        "from media.adapters.ffmpeg import Ffmpeg;"
        f"run = Ffmpeg(Path({str(ffmpeg_binary)!r})).run;"
        f"Thread(target=run, args=(Path({str(source)!r}), 'wav', {FOREVER!r})).start()"
    )
    worker = subprocess.Popen([sys.executable, "-c", program])

    def ffmpeg_runs() -> bool:
        return any(
            Path(f"/proc/{pid}/exe").readlink() == ffmpeg_binary.resolve()
            for pid in _children_reading(source)
        )

    try:
        _wait_until(ffmpeg_runs)
    finally:
        worker.kill()
        worker.wait()
    _wait_until(lambda: not _children_reading(source))


def test_runs_in_many_threads_do_not_disturb_each_other(
    ffmpeg: Ffmpeg, make_audio: MakeAudio
) -> None:
    source, statuses = make_audio("a.wav", seconds=1), []

    def run() -> None:
        statuses.append(ffmpeg.run(source, "wav", ["-f", "null", "-"]).status)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 8


def test_only_files_are_opened(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.aac\n#EXT-X-ENDLIST\n")
    run = ffmpeg.run(playlist, "hls", ["-f", "null", "-"])
    assert run.status != 0
    assert "not on whitelist" in "\n".join(run.log)


def test_where_ffmpeg_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ffmpeg_binary: Path
) -> None:
    own = tmp_path / "ffmpeg"
    own.write_text("#!/bin/sh\n")
    own.chmod(own.stat().st_mode | stat.S_IXUSR)
    assert find_ffmpeg(str(ffmpeg_binary)) == ffmpeg_binary
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg(None) == own
    monkeypatch.setenv("PATH", "")
    assert "imageio_ffmpeg" in str(find_ffmpeg(None))
    with pytest.raises(FileNotFoundError, match="MEDIA_FFMPEG=nothing"):
        find_ffmpeg("nothing")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(FileNotFoundError, match="Install ffmpeg"):
        find_ffmpeg(None)
