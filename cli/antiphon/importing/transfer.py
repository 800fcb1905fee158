"""One file's way to the server: hashed, asked for, sent."""

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from antiphon.client.api import AntiphonClient
from antiphon.client.multipart import SourceError
from antiphon.client.resources import Upload

_BLOCK_BYTES = 1 << 20


class Watch(Protocol):
    """Who follows a transfer; each method may raise to end it."""

    def hashing(self, path: Path, done: int) -> None:
        """Hear how many bytes have been hashed."""

    def uploading(self, path: Path, done: int) -> None:
        """Hear how many bytes have been sent."""


def hash_file(path: Path, on_progress: Callable[[int], None]) -> str:
    """Return the SHA-256 of a file (hex), read in blocks; SourceError if it cannot be read."""
    digest, done = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
                done += len(block)
                on_progress(done)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def send(client: AntiphonClient, path: Path, watch: Watch) -> tuple[Upload, bool]:
    """Bring a file to the server; returns its upload and whether the server had it before."""
    sha256 = hash_file(path, partial(watch.hashing, path))
    known = client.find_upload(sha256)
    if known is not None and known.is_welcome:
        return known, True
    return client.upload(path, sha256, partial(watch.uploading, path)), False
