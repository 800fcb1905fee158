import io
import json
import os
from pathlib import Path

import pytest
from werkzeug.formparser import parse_form_data

from antiphon.client.multipart import MultipartUpload, SourceError


def in_memory(*_args: object, **_kwargs: object) -> io.BytesIO:
    return io.BytesIO()


def parsed(body: bytes, content_type: str) -> tuple[dict[str, str], str | None, str, bytes]:
    """Read a body with another implementation than the one under test."""
    environ = {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": content_type,
        "REQUEST_METHOD": "POST",
    }
    _, form, files = parse_form_data(environ, in_memory, silent=False)
    file = files["file"]
    return form.to_dict(), file.filename, file.mimetype, file.read()


@pytest.mark.parametrize("size", [0, 1, 16_384, 100_001])
@pytest.mark.parametrize("block", [-1, 1_000, 16_384])
def test_the_body_is_exactly_as_long_as_it_says(tmp_path: Path, size: int, block: int) -> None:
    path = tmp_path / "tone.flac"
    path.write_bytes(os.urandom(size))
    heard: list[int] = []
    with MultipartUpload(path, {"title": "Tonö"}, heard.append) as upload:
        body = b"".join(iter(lambda: upload.read(block), b""))
        assert len(body) == len(upload)
    form, name, kind, content = parsed(body, upload.content_type)
    assert json.loads(form["metadata"]) == {"title": "Tonö"}
    assert (name, kind, content) == ("tone.flac", "audio/flac", path.read_bytes())
    assert heard == sorted(heard)
    assert heard[-1:] == ([size] if size else [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"caf\xe9.mp3", "caf\ufffd.mp3"),
        ("Зима ♪.ogg".encode(), "Зима ♪.ogg"),
        (b'say "hi".mp3', 'say "hi".mp3'),
        (b"line\r\nX-Evil: 1.mp3", "line%0D%0AX-Evil: 1.mp3"),
        (b"..mp3", "..mp3"),
    ],
)
def test_odd_names_travel_without_breaking_out(tmp_path: Path, name: bytes, expected: str) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"abc")
    with MultipartUpload(path) as upload:
        _, found, _, content = parsed(upload.read(), upload.content_type)
    assert content == b"abc"
    assert found == expected


def test_a_file_that_shrinks_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(b"x" * 100_000)
    with MultipartUpload(path) as upload:
        upload.read(60_000)
        os.truncate(path, 1_000)
        with pytest.raises(SourceError, match="shorter"):
            upload.read()


def test_a_file_that_grows_is_sent_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(b"x" * 1_000)
    with MultipartUpload(path) as upload:
        with path.open("ab") as more:
            more.write(b"y" * 1_000)
        body = upload.read()
    assert len(body) == len(upload)
    assert b"y" not in parsed(body, upload.content_type)[3]


def test_a_missing_file_is_named_as_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        MultipartUpload(tmp_path / "gone.mp3")
