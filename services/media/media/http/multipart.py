"""Reading an upload as it arrives: the file goes to storage, nothing is held in memory."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

from flask import abort, request
from pydantic import ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser

from common.errors import FieldError, Invalid, Malformed, TooLarge, UnsupportedMediaType
from common.web.problems import validation_problem
from media.http.schemas import UploadMetadata
from media.ports import Received, Receiving, Storage

_MAX_FIELD_BYTES = 256 * 1024
_MAX_PARTS = 20


@dataclass(frozen=True)
class UploadForm:
    """What an upload request carried."""

    received: Received
    filename: str | None
    metadata: UploadMetadata


@contextmanager
def upload_form(storage: Storage, max_bytes: int) -> Iterator[UploadForm]:
    """Read the request into storage; afterwards nothing of it is left but what was kept.

    Raises UnsupportedMediaType, Malformed, Invalid or TooLarge.
    """
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data, in a part named `file`.")
    if (request.content_length or 0) > max_bytes + _MAX_PARTS * _MAX_FIELD_BYTES:
        raise TooLarge(f"The file is larger than the {max_bytes:,} bytes allowed.")
    parts = _Parts(storage, max_bytes)
    try:
        form, files = parts.parse()
        file = files.get("file")
        if file is None or not isinstance(file.stream, _FilePart):
            raise Invalid("There is no file.", [FieldError("file", "part is missing")])
        metadata = _metadata(form.get("metadata"), files.get("metadata"))
        yield UploadForm(file.stream.receiving.finish(), file.filename, metadata)
    finally:
        parts.discard()


class _FilePart(io.RawIOBase):
    """What the parser writes a file to; it is only ever written once, from the start."""

    def __init__(self, receiving: Receiving) -> None:
        super().__init__()
        self.receiving = receiving

    def write(self, data: Any, /) -> int:
        return self.receiving.write(data)

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        return 0


class _FieldPart(io.BytesIO):
    """JSON sent as a file: small, so it may be held in memory."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > _MAX_FIELD_BYTES:
            raise TooLarge(f"The metadata is larger than {_MAX_FIELD_BYTES:,} bytes.")
        return super().write(data)


class _Parts:
    """The parts of one request."""

    def __init__(self, storage: Storage, max_bytes: int) -> None:
        self._storage, self._max_bytes = storage, max_bytes
        self._receiving: list[Receiving] = []

    def parse(self) -> tuple[Any, Any]:
        """Read the request to its end; return its fields and its files."""
        parser = FormDataParser(
            stream_factory=self._open,
            max_form_memory_size=_MAX_FIELD_BYTES,
            max_form_parts=_MAX_PARTS,
            silent=False,
        )
        try:
            _, form, files = parser.parse_from_environ(request.environ)
        except ValueError as error:
            raise Malformed(f"The body is not complete multipart/form-data: {error}.") from error
        return form, files

    def discard(self) -> None:
        """Remove what arrived and was not kept."""
        for receiving in self._receiving:
            receiving.discard()

    def _open(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        del total_content_length, filename, content_length  # only claims
        if (content_type or "").partition(";")[0].strip().lower() == "application/json":
            return _FieldPart()
        if self._receiving:
            raise Invalid("Send one file a request.", [FieldError("file", "more than one")])
        self._receiving.append(self._storage.receive(self._max_bytes))
        return cast("IO[bytes]", _FilePart(self._receiving[0]))


def _metadata(field: str | None, file: FileStorage | None) -> UploadMetadata:
    text: str | bytes | None = file.stream.read() if file is not None else field
    try:
        return UploadMetadata.model_validate_json(text) if text else UploadMetadata()
    except ValidationError as error:  # as flask-openapi does with what it reads
        abort(validation_problem(error))
