"""What becomes of a storage whose Cloudinary is slow, busy or away."""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudinary.exceptions
import pytest
import urllib3
from cloudinary_standin.client import CloudinaryStandin
from cloudinary_standin.usage import HURRIED, content_of, hurried_storage, keep

from media.adapters import cloudinary_account
from media.adapters.cloudinary import CloudinaryStorage
from media.errors import StorageUnavailable

_KEY = "renditions/a/attempt-1/64k.m4s"
_AUDIO = b"ID3 all but audio"


@pytest.fixture
def storage_kind() -> str:
    return "cloudinary"


@pytest.fixture
def storage(standin: CloudinaryStandin, storage_dir: Path) -> CloudinaryStorage:
    return hurried_storage(standin.url, storage_dir)


_FAILURES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("status", {"status": 420}),
    ("status", {"status": 429}),
    ("status", {"status": 500}),
    ("status", {"status": 502, "html": True}),
    ("status", {"status": 503}),
    ("status", {"status": 504}),
    ("cut", {}),
    ("stall", {"seconds": 2}),
)


@pytest.mark.parametrize(("kind", "how"), _FAILURES)
@pytest.mark.parametrize(
    "use",
    [
        lambda storage: storage.put(_KEY, _AUDIO),
        lambda storage: storage.delete("originals/a"),
        lambda storage: storage.delete("renditions/a"),
        lambda storage: list(storage.children("originals")),
        lambda storage: content_of(storage, "originals/a"),
        lambda storage: storage.locate("originals/a"),
    ],
    ids=["upload", "destroy", "delete_below", "list", "download", "look"],
)
def test_what_may_pass_is_tried_again_and_not_for_ever(
    storage: CloudinaryStorage,
    standin: CloudinaryStandin,
    use: Callable[[CloudinaryStorage], object],
    kind: str,
    how: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep(storage, _AUDIO)
    if kind == "stall":
        short = urllib3.Timeout(connect=0.7, read=0.7)
        monkeypatch.setattr(cloudinary_account, "_CALL_TIMEOUT", short)
        monkeypatch.setattr(cloudinary_account, "_UPLOAD_TIMEOUT", short)
    standin.fail("v1_1", kind, times=2, **how)
    use(storage)
    keep(storage, _AUDIO)
    fresh = hurried_storage(standin.url, Path(storage._incoming))  # that remembers nothing
    standin.fail("v1_1", kind, times=99, **how)
    before, started = len(standin.requests()), time.monotonic()
    with pytest.raises(StorageUnavailable):
        use(fresh)
    assert len(standin.requests()) - before == HURRIED.tries
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422])
def test_what_will_not_pass_is_not_tried_again(
    storage: CloudinaryStorage, standin: CloudinaryStandin, status: int
) -> None:
    standin.fail("POST", "status", times=99, status=status, html=status in (413, 422))
    with pytest.raises(cloudinary.exceptions.Error):
        storage.put(_KEY, _AUDIO)
    assert len(standin.requests()) == 1


@pytest.mark.parametrize(("kind", "how"), [("cut", {}), ("status", {"status": 500})])
def test_after_a_failed_chunk_all_of_the_file_is_sent_again(
    storage: CloudinaryStorage,
    standin: CloudinaryStandin,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    how: dict[str, Any],
) -> None:
    monkeypatch.setattr(cloudinary_account, "CHUNK_BYTES", 5_000_000)
    content = b"ID3" + random.Random(2).randbytes(11_000_000)
    standin.fail("POST", kind, skip=1, **how)
    keep(storage, content)
    assert standin.assets() == ["video/authenticated/antiphon/originals/a"]
    assert content_of(storage, "originals/a") == content
    assert len(standin.requests()) == 2 + 3 + 1


def test_a_download_that_breaks_off_is_begun_again(
    storage: CloudinaryStorage, standin: CloudinaryStandin
) -> None:
    content = b"ID3" + random.Random(3).randbytes(3_000_000)
    keep(storage, content)
    standin.fail("/download", "truncate", times=2)
    assert content_of(storage, "originals/a") == content


def test_while_cloudinary_is_away_an_upload_is_answered_503(
    standin: CloudinaryStandin, app: Any, storage: CloudinaryStorage, upload: Any, kept: Any
) -> None:
    app.extensions["storage"] = storage
    standin.fail("POST", "status", times=99, status=503)
    answer = upload(b"fLaC and so on")
    assert answer.status_code == 503
    assert "file storage" in answer.json["detail"]
    standin.fail("POST", "status", times=0, status=503)
    assert upload(b"fLaC and so on").status_code == 202
    assert len(kept()) == 1
