"""A multipart/form-data body (RFC 7578) that is read from disk while it travels."""

import json
import mimetypes
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self


class SourceError(Exception):
    """The file to send could not be read to its end.

    Deliberately no OSError: urllib3 would take that for a broken connection and the upload would
    be tried again in vain.
    """


def _ignore(sent: int) -> None:
    """Let the number of bytes pass."""


def printable_name(name: str) -> str:
    """Return a file's name as text that is safe to send: bytes outside UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def _quoted(name: str) -> str:
    # As browsers do (HTML standard, multipart/form-data encoding): nothing else is escaped.
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


class MultipartUpload:
    """One file, after an optional JSON part `metadata`; knows its length, reads once.

    `on_progress` hears after each read how many bytes of the file are gone; what it raises ends
    the transfer.
    """

    def __init__(
        self,
        path: Path,
        metadata: Mapping[str, object] | None = None,
        on_progress: Callable[[int], None] = _ignore,
    ) -> None:
        boundary = f"antiphon-{secrets.token_hex(16)}"
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._on_progress = on_progress
        self._file = _open(path)
        self._left = self.file_size = os.fstat(self._file.fileno()).st_size
        self._before = _head(boundary, path, metadata)
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self._length = len(self._before) + self.file_size + len(self._after)

    def __len__(self) -> int:
        return self._length

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size`; SourceError if the file shrank or is bad."""
        wanted = self._length if size < 0 else size
        if self._before:
            part, self._before = self._before[:wanted], self._before[wanted:]
        elif self._left:
            part = self._read_file(min(wanted, self._left))
        else:
            part, self._after = self._after[:wanted], self._after[wanted:]
        if size < 0 and part:
            return part + self.read()
        return part

    def _read_file(self, wanted: int) -> bytes:
        try:
            part = self._file.read(wanted)
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror}") from error
        if not part:
            raise SourceError("became shorter while it was being sent")
        self._left -= len(part)
        self._on_progress(self.file_size - self._left)
        return part


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(f"cannot be opened: {error.strerror}") from error


def _head(boundary: str, path: Path, metadata: Mapping[str, object] | None) -> bytes:
    name = printable_name(path.name)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    parts = ""
    if metadata is not None:
        parts += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="metadata"\r\n'
            f"Content-Type: application/json\r\n\r\n{json.dumps(metadata)}\r\n"
        )
    parts += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_quoted(name)}"'
        f"\r\nContent-Type: {kind}\r\n\r\n"
    )
    return parts.encode()
