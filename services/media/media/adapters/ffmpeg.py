"""Run ffmpeg as a confined child process: limits, deadline, progress, and nothing left behind."""

import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread, Timer
from typing import IO

from media.errors import UnusableFile

_CONFINE = Path(__file__).with_name("confine.py")
_HEAD_LINES, _TAIL_LINES, _LINE_BYTES = 400, 80, 4096
_PROGRESS = re.compile(r"^(?P<key>[a-z0-9_]+)=(?P<value>\S*)$")


class FfmpegCrashed(RuntimeError):
    """ffmpeg was killed or the machine failed it: says nothing about the file, so worth a retry."""


@dataclass(frozen=True)
class Run:
    """How a run ended: exit status, log lines (the first and the last), microseconds put out."""

    status: int
    log: tuple[str, ...]
    out_time_us: int | None

    def reason(self) -> str:
        """Return the last complaint of ffmpeg without its component names and paths."""
        complaints = [line for line in self.log if _ERROR.search(line)]
        text = re.sub(r"\[[^\]]*\] ?", "", complaints[-1] if complaints else "unknown error")
        return re.sub(r"(file )?\S*/\S+", "the file", text).strip().rstrip(".")[:200]


_ERROR = re.compile(r"error|invalid|fail|could not|cannot|not found|unsupported|no such", re.I)
_DID_NOT_START = (126, 127)  # as shells and the dynamic linker say so
_MACHINE_FAILED = re.compile(r"No space left on device|Input/output error|Read-only file system")


def find_ffmpeg(configured: str | None) -> Path:
    """Return the ffmpeg to run: the configured one, else PATH's, else imageio-ffmpeg's."""
    if configured:
        found = shutil.which(configured)
        if not found:
            raise FileNotFoundError(f"MEDIA_FFMPEG={configured} is not a program that can be run.")
        return Path(found).absolute()
    if found := shutil.which("ffmpeg"):
        return Path(found).absolute()
    try:
        import imageio_ffmpeg
    except ImportError:
        raise FileNotFoundError(
            "No ffmpeg found. Install ffmpeg, or `pip install imageio-ffmpeg`, or set MEDIA_FFMPEG."
        ) from None
    return Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute()


@dataclass(frozen=True)
class Ffmpeg:
    """An ffmpeg binary with the limits every run of it gets."""

    binary: Path
    threads: int = 1
    timeout_seconds: float = 3600
    memory_bytes: int = 2 << 30

    def run(
        self,
        source: Path,
        demuxer: str,
        arguments: Sequence[str],
        *,
        folder: Path | None = None,
        output: Callable[[IO[bytes]], None] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Run:
        """Read `source` as `demuxer`, apply `arguments`; outputs are relative to `folder`.

        `output` reads standard output in a thread of its own; `progress` gets microseconds done
        and may raise, which kills ffmpeg. Raises UnusableFile past the deadline.
        """
        process = subprocess.Popen(  # noqa: S603 - fixed program, no shell
            self._command(source, demuxer, arguments),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        deadline = Timer(self.timeout_seconds, process.kill)
        deadline.daemon = True
        reader = Thread(target=_read, args=(process.stdout, output), daemon=True)
        log = _Log(progress)
        with process:
            try:
                deadline.start()
                reader.start()
                log.follow(process.stderr)  # type: ignore[arg-type]
                process.wait()
            finally:
                expired = not deadline.is_alive()
                deadline.cancel()
                process.kill()
                reader.join()
        return self._finished(process.returncode, log, expired and process.returncode < 0)

    def _command(self, source: Path, demuxer: str, arguments: Sequence[str]) -> list[str]:
        confined = [sys.executable, "-I", "-S", str(_CONFINE), str(os.getpid())]
        return [
            *confined, str(self.memory_bytes), str(self.binary),
            "-hide_banner", "-nostdin", "-nostats", "-y", "-loglevel", "info",
            "-progress", "pipe:2", "-stats_period", "1",
            "-filter_threads", str(self.threads), "-filter_complex_threads", str(self.threads),
            "-threads", str(self.threads),
            # Only this demuxer and only plain files: a playlist or a URL in disguise opens nothing.
            "-protocol_whitelist", "file,pipe", "-f", demuxer, "-i", str(source),
            *arguments,
        ]  # fmt: skip

    def _finished(self, status: int, log: "_Log", expired: bool) -> Run:
        if expired:
            raise UnusableFile(
                f"Processing the file took longer than {self.timeout_seconds:.0f} seconds. "
                "Upload a shorter recording."
            )
        run = Run(status, (*log.head, *log.tail), log.out_time_us)
        if status < 0:
            raise FfmpegCrashed(f"ffmpeg was killed by signal {-status}: {run.reason()}")
        if status in _DID_NOT_START:
            raise FfmpegCrashed(f"{self.binary} could not be started: {run.reason()}")
        if not run.log:  # it always tells what it reads, or why it cannot
            raise FfmpegCrashed(f"{self.binary} ended with {status} and said nothing: not ffmpeg?")
        if status and any(_MACHINE_FAILED.search(line) for line in run.log):
            raise FfmpegCrashed(f"ffmpeg could not write or read: {run.reason()}")
        return run


class _Log:
    """Follows ffmpeg's standard error: bounded log, progress lines taken out."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self.head: list[str] = []
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.out_time_us: int | None = None
        self._progress = progress

    def follow(self, stream: IO[bytes]) -> None:
        for raw in iter(lambda: stream.readline(_LINE_BYTES), b""):
            line = raw.decode("utf-8", "replace").rstrip()
            if match := _PROGRESS.match(line):
                self._advance(match["key"], match["value"])
            elif len(self.head) < _HEAD_LINES:
                self.head.append(line)
            else:
                self.tail.append(line)

    def _advance(self, key: str, value: str) -> None:
        if key == "out_time_us" and value.lstrip("-").isdigit():
            self.out_time_us = max(int(value), 0)
        if key == "progress" and self._progress:  # the last line of each report
            self._progress(self.out_time_us or 0)


def _read(stream: IO[bytes], output: Callable[[IO[bytes]], None] | None) -> None:
    """Read to the end whatever `output` leaves: a full pipe would stop ffmpeg for good."""
    try:
        if output:
            output(stream)
    finally:
        while stream.read(65536):
            pass
