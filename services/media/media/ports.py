"""What media needs of the outside world, as protocols, and the values that cross them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
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


class Storage(Protocol):
    """Keeps files under keys such as `originals/<asset>`; a key appears whole or not at all."""

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
        """Make a finished workspace appear under `key`, replacing what was there."""
        ...

    def fetch(self, key: str) -> AbstractContextManager[Path]:
        """Give the file as a local path for reading, while the context lasts."""
        ...

    def workspace(self) -> AbstractContextManager[Path]:
        """Give an empty local folder that is gone after the context unless it was put."""
        ...

    def internal_path(self, key: str) -> str:
        """Return the path under which the gateway serves `key` (X-Accel-Redirect)."""
        ...

    def delete(self, key: str) -> None:
        """Remove a file or all below a folder; it is no error if there is none."""
        ...

    def children(self, key: str) -> Iterator[tuple[str, datetime]]:
        """List what lies directly below a folder: name and time of last change (UTC)."""
        ...

    def discard_stale(self, older_than: datetime) -> int:
        """Remove uploads and workspaces that nobody touched since `older_than`; return how many."""
        ...
