"""What media needs of the outside world, as protocols, and the values that cross them."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from media.tags import Tags


@dataclass(frozen=True)
class Loudness:
    """EBU R128: integrated loudness (LUFS), true peak (dBTP) and loudness range (LU)."""

    integrated_lufs: float
    true_peak_dbtp: float
    range_lu: float


@dataclass(frozen=True)
class CoverImage:
    """A cover as JPEG bytes, with its size in pixels."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Description:
    """What a file is, found by decoding all of it."""

    media_type: str
    codec: str
    sample_rate: int
    channels: int
    duration_ms: int
    tags: Tags
    cover: CoverImage | None


@dataclass(frozen=True)
class RenditionFile:
    """One encoded version: `<name>.m4s` (the bytes) and `<name>.m3u8` (its byte ranges)."""

    name: str
    bitrate_kbps: int
    codec: str
    size_bytes: int


@dataclass(frozen=True)
class Waveform:
    """Lowest and highest sample (-128..127) of each equal stretch, in turn: low, high, low ..."""

    sample_rate: int
    samples_per_pixel: int
    data: bytes


@dataclass(frozen=True)
class Transcoded:
    """What one run of the transcoder made and measured; `loudness` is None for silence."""

    renditions: tuple[RenditionFile, ...]
    loudness: Loudness | None
    waveform: Waveform


class Transcoder(Protocol):
    """Turns what people upload into what players stream."""

    def describe(self, source: Path, check: Callable[[], None]) -> Description:
        """Decode all of `source`; raise UnusableFile, saying why, if it is not playable audio.

        `check` is called about once a second and may raise to end the work.
        """
        ...

    def transcode(
        self, source: Path, folder: Path, described: Description, progress: Callable[[float], None]
    ) -> Transcoded:
        """Write renditions and playlists into `folder`; `progress` gets 0..1 and may raise."""
        ...


@dataclass(frozen=True)
class Received:
    """A complete upload that waits in the storage's own temporary place, already on disk."""

    path: Path
    sha256: str
    size_bytes: int
    head: bytes


class Receiving(Protocol):
    """An upload on its way in."""

    def write(self, data: bytes, /) -> int:
        """Take the next bytes; raise TooLarge past the limit."""
        ...

    def finish(self) -> Received:
        """Put everything on disk and return its digest."""
        ...

    def discard(self) -> None:
        """Remove what arrived, unless it was kept; may be called more than once."""
        ...


@dataclass(frozen=True)
class GatewayPath:
    """A file that the gateway sends: its path below the gateway's root (X-Accel-Redirect)."""

    path: str


@dataclass(frozen=True)
class RemoteUrl:
    """A file that somebody else sends to whoever has this URL."""

    url: str


_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


def check_key(key: str) -> None:
    """Raise ValueError for what could lead out of a storage."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not a storage key.")


class Storage(Protocol):
    """Keeps files under keys: `originals/<asset>`, `images/<asset>/<sha256>.jpg`,
    `renditions/<asset>/attempt-N/<name>.m4s` and `.m3u8`. A file appears whole or not at all.

    It may be far away, and slow: never use it while a transaction is open.
    """

    sweep_every: timedelta
    """How often all of it may be listed."""

    def receive(self, max_bytes: int) -> Receiving:
        """Start to take an upload of at most `max_bytes`."""
        ...

    def keep(self, received: Received, key: str) -> None:
        """Make a received upload appear under `key`."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Store a small file."""
        ...

    def put_folder(self, folder: Path, key: str) -> None:
        """Make the files of a finished workspace appear under `key`, replacing those there."""
        ...

    def fetch(self, key: str) -> AbstractContextManager[Path]:
        """Give the file as a local path for reading, while the context lasts."""
        ...

    def read(self, key: str) -> bytes:
        """Return a small file that never changes."""
        ...

    def workspace(self) -> AbstractContextManager[Path]:
        """Give an empty local folder that is gone after the context unless it was put."""
        ...

    def locate(
        self, key: str, expires_at: datetime | None = None, *, download: bool = False
    ) -> GatewayPath | RemoteUrl:
        """Say who sends `key`; a URL is good until `expires_at`, that of a picture for ever.

        With `download` a browser is told to save the file.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove a file or all below a folder; it is no error if there is none."""
        ...

    def children(self, key: str, depth: int = 1) -> Iterator[tuple[str, datetime]]:
        """List what lies `depth` levels below a folder: relative path, time of change (UTC).

        A path may come more than once.
        """
        ...

    def discard_stale(self, older_than: datetime) -> int:
        """Remove uploads and workspaces that nobody touched since `older_than`; return how many."""
        ...
