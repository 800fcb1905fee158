"""The calls we make to Cloudinary: each with a timeout, each tried again when that may help."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import urllib3
from cloudinary import api, exceptions, uploader, utils
from cloudinary.api_client import call_api

from media.adapters.retrying import Patience, persist

T = TypeVar("T")

# By default urllib3 tries some calls three times more, at once or after a Retry-After of hours:
# `persist` does that with pauses that it counts. What is left is to follow three redirections.
_ONCE = urllib3.Retry(3, connect=0, read=0, status=0, respect_retry_after_header=False)
_POOL: dict[str, Any] = {"retries": _ONCE, "maxsize": 10}
for _module in (uploader, call_api):
    _module._http.connection_pool_kw.update(_POOL)  # noqa: SLF001 - it offers no other way

CHUNK_BYTES = 20_000_000
"""How much of a file is in memory and in one request; Cloudinary takes no less than 5 MB."""
_PAGE = 500
_READ_BYTES = 1 << 20
_FETCH_SECONDS = 600
# Seconds without progress, not of the whole call. A chunk is answered when it is stored.
_CALL_TIMEOUT = urllib3.Timeout(connect=10, read=20)
_UPLOAD_TIMEOUT = urllib3.Timeout(connect=20, read=120)
_CALL = Patience()
# A large file takes its time, but who sent it waits for an answer, and so do proxies on the way.
_UPLOAD = Patience(tries=4, seconds=500)
_STATUS = re.compile(r"Error (?:parsing server response \()?(\d{3})\b")
_PERMANENT = (
    exceptions.BadRequest,
    exceptions.AuthorizationRequired,
    exceptions.NotAllowed,
    exceptions.NotFound,
    exceptions.AlreadyExists,
)


@dataclass(frozen=True)
class Place:
    """Where Cloudinary keeps a file: resource type, delivery type (`type`) and public id."""

    resource_type: str
    delivery: str
    public_id: str


class Account:
    """A product environment, named by a CLOUDINARY_URL; its query may hold more of the SDK's
    options, such as `upload_prefix`.
    """

    def __init__(self, url: str, *, call: Patience = _CALL, upload: Patience = _UPLOAD) -> None:
        self._options = sdk_options(url)
        self._call, self._upload = call, upload
        # Whatever the SDK needs comes with each call: its own configuration is global.
        self._http = urllib3.PoolManager(**_POOL)

    def upload(self, open_file: Callable[[], IO[bytes]], size: int, place: Place, tag: str) -> None:
        """Store what `open_file` opens, `size` bytes, in chunks; replaces what was there.

        A chunk that fails spoils its upload, so each try sends all of the file.
        """

        def send() -> None:
            answer = uploader.upload_large(
                open_file(),
                **self._options,
                **_addressed(place),
                public_id=place.public_id,
                filename=place.public_id.rpartition("/")[2],
                chunk_size=CHUNK_BYTES,
                overwrite=True,
                invalidate=True,
                tags=[tag],
                timeout=_UPLOAD_TIMEOUT,
            )
            if (answer or {}).get("bytes") != size:
                raise IncompleteTransfer(f"Cloudinary did not store all {size} bytes.")

        self._persist(send, "upload", self._upload)

    def destroy(self, place: Place) -> None:
        """Remove one file, also from the CDN; it is no error if there is none."""
        call = partial(uploader.destroy, place.public_id, **_addressed(place), **self._limited)
        self._persist(partial(call, invalidate=True), "destroy")

    def delete_below(self, folder: Place) -> None:
        """Remove all files whose public ids begin with that of `folder`, also from the CDN."""
        call = partial(api.delete_resources_by_prefix, folder.public_id, **_addressed(folder))
        call = partial(call, invalidate=True, **self._limited)
        answer = self._persist(call, "delete_below")
        while answer.get("partial") and answer.get("deleted"):
            # All of the page are gone: the same question is about the next ones.
            answer = self._persist(call, "delete_below")

    def list_below(self, folder: Place, tag: str) -> Iterator[tuple[str, datetime]]:
        """List the files tagged `tag` whose public ids begin with that of `folder`."""
        call = partial(api.resources, prefix=folder.public_id, **_addressed(folder))
        call = partial(call, max_results=_PAGE, tags=True, **self._limited)
        cursor: str | None = None
        while True:
            page = self._persist(partial(call, next_cursor=cursor), "list")
            for found in page["resources"]:
                if tag in found.get("tags", ()):
                    yield found["public_id"], datetime.fromisoformat(found["created_at"])
            if not (cursor := page.get("next_cursor")):
                return

    def signed_url(self, place: Place, expires_at: datetime, *, download: bool = False) -> str:
        """Return a URL of the file as it was uploaded that is good until `expires_at`."""
        url: str = utils.private_download_url(
            place.public_id,
            "",
            **self._options,
            **_addressed(place),
            expires_at=int(expires_at.timestamp()),
            attachment=download or None,
        )
        return url

    def public_url(self, place: Place, suffix: str) -> str:
        """Return the CDN's URL of a public file."""
        options = {"secure": True} | self._options
        url: str = utils.cloudinary_url(
            place.public_id, **options, **_addressed(place), format=suffix, sign_url=True
        )[0]
        return url

    def exists(self, place: Place) -> bool:
        """Whether there is such a file."""
        return self._persist(partial(self._get, place, None), "look")

    def download(self, place: Place, path: Path) -> bool:
        """Write a file to `path`; False if there is none."""
        return self._persist(partial(self._get, place, path), "download", self._upload)

    def _get(self, place: Place, path: Path | None) -> bool:
        expires_at = datetime.fromtimestamp(time.time() + _FETCH_SECONDS).astimezone()
        url, headers = self.signed_url(place, expires_at), {} if path else {"Range": "bytes=0-0"}
        with self._http.request(
            "GET", url, headers=headers, preload_content=False, timeout=_CALL_TIMEOUT
        ) as answer:
            if answer.status == 404:
                return False
            if answer.status not in (200, 206):
                raise UnexpectedStatus(answer.status)
            if path:
                with path.open("wb") as file:
                    for data in answer.stream(_READ_BYTES):
                        file.write(data)
            else:
                answer.close()  # a server without ranges would go on sending
        return True

    @property
    def _limited(self) -> Mapping[str, Any]:
        return self._options | {"timeout": _CALL_TIMEOUT}

    def _persist(self, call: Callable[[], T], what: str, patience: Patience | None = None) -> T:
        return persist(call, may_pass, patience or self._call, f"cloudinary {what}")


class IncompleteTransfer(Exception):
    """Not all bytes arrived."""


class UnexpectedStatus(Exception):
    """A download was answered with a status that is no success."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Error {status} - Cloudinary did not send the file.")


def may_pass(error: Exception) -> bool:
    """Whether the same call may succeed later: 420, 429, 5xx, or no whole answer."""
    # Some statuses the SDK only tells in its message.
    if found := _STATUS.match(str(error)):
        return found[1] in ("420", "429") or found[1] >= "500"
    if isinstance(error, _PERMANENT):
        return False
    # A bare Error is a broken connection, or a status that Cloudinary does not document.
    network = (exceptions.Error, urllib3.exceptions.HTTPError, OSError, IncompleteTransfer)
    return isinstance(error, network)


def sdk_options(url: str) -> dict[str, Any]:
    """Return what `cloudinary://<api_key>:<api_secret>@<cloud_name>` says, for the SDK's calls."""
    parts = urlsplit(url)
    flags = {"true": True, "false": False}
    given = {name: flags.get(value, value) for name, value in parse_qsl(parts.query)}
    own_host = parts.path.strip("/")
    return {
        # The SDK's default is SHA-1.
        "signature_algorithm": "sha256",
        **({"private_cdn": True, "secure_distribution": own_host} if own_host else {}),
        **given,
        "cloud_name": parts.hostname,
        "api_key": parts.username,
        "api_secret": parts.password,
    }


def _addressed(place: Place) -> dict[str, str]:
    return {"resource_type": place.resource_type, "type": place.delivery}
