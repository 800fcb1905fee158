"""Using Cloudinary's storage in tests: impatient, and as a player would."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from media.adapters.cloudinary import CloudinaryStorage
from media.adapters.cloudinary_account import Account
from media.adapters.retrying import Patience
from media.ports import RemoteUrl

HURRIED = Patience(tries=3, first_pause=0.01, longest_pause=0.02)


def hurried_storage(url: str, folder: Path, owner: str = "one installation") -> CloudinaryStorage:
    return CloudinaryStorage(Account(url, call=HURRIED, upload=HURRIED), folder, owner)


def keep(storage: CloudinaryStorage, content: bytes, key: str = "originals/a") -> None:
    incoming = storage.receive(len(content))
    incoming.write(content)
    storage.keep(incoming.finish(), key)
    incoming.discard()


def signed_url(
    storage: CloudinaryStorage, key: str, expires_in: timedelta = timedelta(hours=1)
) -> str:
    located = storage.locate(key, datetime.now(UTC) + expires_in)
    assert isinstance(located, RemoteUrl)
    return located.url


def status_of(url: str, **headers: str) -> int:
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def content_of(storage: CloudinaryStorage, key: str) -> bytes:
    with storage.fetch(key) as path:
        return path.read_bytes()
