"""The real SDK against a stand-in that checks what is on the wire, and fails as it is told to."""

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import cloudinary.exceptions
import pytest
import urllib3
from cloudinary import uploader
from cloudinary_standin.client import SECRET, CloudinaryStandin
from cloudinary_standin.usage import content_of, hurried_storage, keep, signed_url, status_of

from media.adapters import cloudinary_account
from media.adapters.cloudinary import CloudinaryStorage
from media.errors import FileGone, StorageUnavailable
from media.ports import RemoteUrl

_KEY = "renditions/a/attempt-1/64k.m4s"
_AUDIO = b"ID3 all but audio"


@pytest.fixture
def storage(standin: CloudinaryStandin, storage_dir: Path) -> CloudinaryStorage:
    return hurried_storage(standin.url, storage_dir)


def test_what_is_received_arrives_in_signed_chunks(
    storage: CloudinaryStorage, standin: CloudinaryStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudinary_account, "CHUNK_BYTES", 5_000_000)
    content = b"ID3" + random.Random(1).randbytes(12_000_000)
    keep(storage, content)
    assert len([r for r in standin.requests() if r.startswith("POST")]) == 3
    assert standin.assets() == ["video/authenticated/antiphon/originals/a"]
    assert content_of(storage, "originals/a") == content


def test_a_changed_request_is_refused_and_not_repeated(
    standin: CloudinaryStandin, storage_dir: Path
) -> None:
    storage = hurried_storage(standin.url.replace(SECRET, "some-other-secret"), storage_dir)
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="Invalid Signature"):
        storage.put(_KEY, _AUDIO)
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired):
        list(storage.children("originals"))
    assert len(standin.requests()) == 2
    assert standin.assets() == []


@pytest.mark.parametrize("content", [b"not audio at all", b"\xff\xd8\xff\xe0 picture", b"wvpk" * 9])
def test_what_cloudinary_does_not_take_for_audio_is_kept_raw(
    storage: CloudinaryStorage, standin: CloudinaryStandin, content: bytes
) -> None:
    keep(storage, content)
    assert standin.assets() == ["raw/authenticated/antiphon/originals/a"]
    assert content_of(storage, "originals/a") == content
    assert status_of(signed_url(storage, "originals/a")) == 200
    storage.delete("originals/a")
    assert standin.assets() == []
    with pytest.raises(FileGone):
        content_of(storage, "originals/a")


def test_an_empty_upload_is_refused_in_the_usual_words(
    settings: Any, upload: Any, run_jobs: Any, client: Any, bearer: Any
) -> None:
    assert settings.storage == "cloudinary"
    assert upload(b"").status_code == 202
    run_jobs()
    (failed,) = client.get("/api/v1/uploads", headers=bearer()).json["items"]
    assert failed["failure"] == "The file is empty (0 bytes)."


@pytest.fixture
def storage_kind(request: pytest.FixtureRequest) -> str:
    return "cloudinary"


def test_urls_are_signed_expire_and_answer_ranges(storage: CloudinaryStorage) -> None:
    storage.put(_KEY, _AUDIO)
    url = signed_url(storage, _KEY)
    with urlopen(Request(url, headers={"Range": "bytes=4-6"}), timeout=10) as answer:
        assert (answer.status, answer.read()) == (206, b"all")
    assert status_of(signed_url(storage, _KEY, expires_in=-timedelta(seconds=1))) == 401
    unsigned = "&".join(p for p in url.split("&") if not p.startswith("signature="))
    for changed in (
        unsigned,
        url.replace("64k", "128k"),
        url.replace("expires_at=", "expires_at=9"),
        url.replace("/video/", "/raw/").replace("authenticated", "upload"),
    ):
        assert changed != url
        assert status_of(changed) == 401
    assert SECRET not in url


def test_a_picture_has_a_public_url_that_cannot_be_changed(storage: CloudinaryStorage) -> None:
    key = f"images/a/{'b' * 64}.jpg"
    storage.put(key, b"\xff\xd8\xff picture")
    located = storage.locate(key)
    assert isinstance(located, RemoteUrl)
    assert status_of(located.url) == 200
    assert status_of(located.url.replace("/images/a/", "/images/c/")) == 401


def test_deleting_an_attempt_leaves_its_neighbours(
    storage: CloudinaryStorage, standin: CloudinaryStandin
) -> None:
    for attempt in (1, 10):
        with storage.workspace() as folder:
            for name in ("64k.m4s", "64k.m3u8"):
                (folder / name).write_bytes(_AUDIO)
            storage.put_folder(folder, f"renditions/a/attempt-{attempt}")
    storage.delete("renditions/a/attempt-1")
    storage.delete("renditions/a/attempt-1")
    left = {f"renditions/a/attempt-10/64k.{suffix}" for suffix in ("m4s", "m3u8")}
    assert standin.keys() == left
    assert storage.read("renditions/a/attempt-10/64k.m3u8") == _AUDIO


def test_a_long_listing_is_read_page_by_page(
    storage: CloudinaryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudinary_account, "_PAGE", 2)
    for n in range(5):
        storage.put(f"renditions/{n}/attempt-3/64k.m4s", _AUDIO)
    listed = dict(storage.children("renditions", depth=2))
    assert listed.keys() == {f"{n}/attempt-3" for n in range(5)}
    assert all(
        abs(changed - datetime.now(UTC)) < timedelta(minutes=1) for changed in listed.values()
    )


def test_another_installations_files_are_not_ours_to_sweep(
    storage: CloudinaryStorage, standin: CloudinaryStandin, storage_dir: Path
) -> None:
    storage.put("originals/ours", _AUDIO)
    other = hurried_storage(standin.url, storage_dir, owner="another installation")
    assert list(other.children("originals")) == []
    assert [name for name, _ in storage.children("originals")] == ["ours"]


def test_every_call_of_the_sdk_has_a_timeout(
    storage: CloudinaryStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloudinary.api_client import call_api

    seen: list[object] = []
    for module in (uploader, call_api):
        real = module._http.request

        def spy(*args: Any, _real: Any = real, **given: Any) -> Any:
            seen.append(given.get("timeout"))
            return _real(*args, **given)

        monkeypatch.setattr(module._http, "request", spy)
    keep(storage, _AUDIO)
    storage.put(_KEY, _AUDIO)
    list(storage.children("images"))
    storage.delete("originals/a")
    storage.delete("renditions/a")
    assert len(seen) == 7
    assert all(isinstance(timeout, urllib3.Timeout) for timeout in seen)


def test_a_large_file_is_never_in_memory(standin: CloudinaryStandin, tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(b"ID3")
        file.truncate(150_000_000)
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from media.adapters.cloudinary import CloudinaryStorage\n"
        "from media.adapters.cloudinary_account import Account\n"
        "from media.ports import Received\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "path = Path(sys.argv[2])\n"
        "storage = CloudinaryStorage(Account(sys.argv[1]), path.parent / 'incoming', 'x')\n"
        "before = peak()\n"
        "storage.keep(Received(path, '', path.stat().st_size, b'fLaC'), 'originals/a')\n"
        "with storage.fetch('originals/a') as fetched:\n"
        "    assert fetched.stat().st_size == path.stat().st_size\n"
        "print(peak() - before)\n"
    )
    command = [sys.executable, "-c", script, standin.url, str(path)]
    grown = int(subprocess.run(command, capture_output=True, check=True, timeout=90).stdout)
    scale = 1024 if sys.platform == "darwin" else 1  # macOS tells bytes
    assert grown / scale < 100 * 1024  # kilobytes: a chunk, and what the SDK copies of it


def test_the_secret_is_in_no_message(
    standin: CloudinaryStandin, storage: CloudinaryStorage, capfd: pytest.CaptureFixture[str]
) -> None:
    standin.fail("v1_1", "status", times=99, status=503)
    with pytest.raises(StorageUnavailable) as unavailable:
        list(storage.children("originals"))
    assert SECRET not in f"{unavailable.value.__cause__!r}"
    dead = hurried_storage(
        standin.url.replace(standin.address, "127.0.0.1:9"), Path(storage._incoming)
    )
    with pytest.raises(StorageUnavailable) as refused:
        dead.put(_KEY, _AUDIO)
    assert SECRET not in f"{refused.value.__cause__!r}"
    assert SECRET not in "".join(capfd.readouterr())
