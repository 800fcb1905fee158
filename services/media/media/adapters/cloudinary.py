"""Cloudinary as storage: it sends the files itself, to whoever has a signed, expiring URL."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cloudinary.exceptions import BadRequest

from media.adapters.cloudinary_account import Account, Place
from media.adapters.incoming import Incoming
from media.errors import FileGone
from media.formats import sniff
from media.ports import Received, RemoteUrl, check_key

_ROOT = "antiphon"
_PROTECTED, _PUBLIC = "authenticated", "upload"
_MEDIA, _PLAYLIST, _PICTURE = ".m4s", ".m3u8", ".jpg"
_PLAYLISTS_KEPT = 128


class CloudinaryStorage(Incoming):
    """Keeps each key under a public id below `antiphon/`; temporary files are on the local disk.

    Audio is of resource type `video`, which has the larger limits. What Cloudinary does not take
    for audio, and playlists, are `raw`. Only covers, which are public, are not `authenticated`.
    """

    # Listing goes through the Admin API, which answers 500 calls an hour on a free plan.
    sweep_every = timedelta(hours=6)

    def __init__(self, account: Account, folder: Path, owner: str) -> None:
        """Use `folder` for temporary files; `owner` tells our files from other installations'."""
        super().__init__(folder)
        self._account = account
        digest = hashlib.sha256(b"antiphon.media.owner:" + owner.encode()).hexdigest()
        # Two installations may share an account: the sweeper of one must not judge the other's.
        self._tag = f"antiphon-{digest[:16]}"
        self._read = lru_cache(_PLAYLISTS_KEPT)(self._read_anew)
        self._original = lru_cache(_PLAYLISTS_KEPT * 8)(self._find_original)

    def keep(self, received: Received, key: str) -> None:
        """See Storage.keep; of an empty file nothing is kept."""
        video, raw = _originals(key)
        if not received.size_bytes:
            return
        if not sniff(received.head) or not self._is_taken(received.path, video):
            self._upload(received.path, raw)

    def put(self, key: str, data: bytes) -> None:
        """See Storage.put."""
        self._account.upload(lambda: io.BytesIO(data), len(data), _file(key), self._tag)

    def put_folder(self, folder: Path, key: str) -> None:
        """See Storage.put_folder."""
        # Media before playlists, and the other way round in `delete`: then what has a playlist
        # also has media, and it is enough to list these.
        for file in sorted(folder.iterdir(), key=lambda file: (file.suffix != _MEDIA, file.name)):
            self._upload(file, _file(f"{key}/{file.name}"))

    @contextmanager
    def fetch(self, key: str) -> Iterator[Path]:
        """See Storage.fetch; raises FileGone."""
        with self.workspace() as folder:
            path = folder / "fetched"
            if not any(self._account.download(place, path) for place in _candidates(key)):
                raise FileGone
            yield path

    def read(self, key: str) -> bytes:
        """See Storage.read; raises FileGone."""
        return self._read(key)

    def locate(
        self, key: str, expires_at: datetime | None = None, *, download: bool = False
    ) -> RemoteUrl:
        """See Storage.locate."""
        place = self._original(key) if len(_candidates(key)) > 1 else _file(key)
        if place.delivery == _PUBLIC:
            return RemoteUrl(self._account.public_url(place, _PICTURE[1:]))
        until = expires_at or datetime.now(UTC) + timedelta(minutes=10)
        return RemoteUrl(self._account.signed_url(place, until, download=download))

    def delete(self, key: str) -> None:
        """See Storage.delete."""
        if key.startswith("originals/") or Path(key).suffix in (_MEDIA, _PLAYLIST, _PICTURE):
            for place in _candidates(key):
                self._account.destroy(place)
        else:
            for place in reversed(_folders(key)):
                self._account.delete_below(place)

    def children(self, key: str, depth: int = 1) -> Iterator[tuple[str, datetime]]:
        """See Storage.children; only files of this installation count."""
        folders = _folders(key)
        for folder in folders[:1] if key.startswith("renditions") else folders:
            for public_id, changed in self._account.list_below(folder, self._tag):
                path = public_id.removeprefix(folder.public_id).split("/")
                yield "/".join(path[:depth]), changed

    def _is_taken(self, path: Path, place: Place) -> bool:
        """Upload what may be a kind of audio that Cloudinary does not know; say if it does."""
        try:
            self._upload(path, place)
        except BadRequest:
            return False
        return True

    def _upload(self, path: Path, place: Place) -> None:
        size = path.stat().st_size
        self._account.upload(lambda: path.open("rb"), size, place, self._tag)

    def _read_anew(self, key: str) -> bytes:
        with self.fetch(key) as path:
            return path.read_bytes()

    def _find_original(self, key: str) -> Place:
        for place in _originals(key):
            if self._account.exists(place):
                return place
        raise FileGone


def _file(key: str) -> Place:
    check_key(key)
    if key.endswith(_MEDIA):
        return Place("video", _PROTECTED, f"{_ROOT}/{key.removesuffix(_MEDIA)}")
    if key.endswith(_PICTURE):
        return Place("image", _PUBLIC, f"{_ROOT}/{key.removesuffix(_PICTURE)}")
    return Place("raw", _PROTECTED, f"{_ROOT}/{key}")


def _originals(key: str) -> tuple[Place, Place]:
    check_key(key)
    kept_as = f"{_ROOT}/{key}"
    return Place("video", _PROTECTED, kept_as), Place("raw", _PROTECTED, kept_as)


def _candidates(key: str) -> tuple[Place, ...]:
    return _originals(key) if key.startswith("originals/") else (_file(key),)


def _folders(key: str) -> tuple[Place, ...]:
    """Return where files below `key` are; without the last slash `attempt-1` were `attempt-10`."""
    check_key(key)
    below = f"{_ROOT}/{key}/"
    if key.partition("/")[0] == "images":
        return (Place("image", _PUBLIC, below),)
    return Place("video", _PROTECTED, below), Place("raw", _PROTECTED, below)
