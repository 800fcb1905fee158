"""A small typed client of Antiphon's public REST API. Safe to use from several threads."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import ValidationError

from antiphon.client.errors import ApiError, ClientError, LoginError, ServerUnreachableError
from antiphon.client.multipart import MultipartUpload
from antiphon.client.problems import check
from antiphon.client.resources import Found, Playlist, Resource, Tokens, Upload, Uploads, User
from antiphon.client.retry import Retry

Model = TypeVar("Model", bound=Resource)

_CONNECT_SECONDS, _READ_SECONDS = 10, 60
# After the last byte of an upload: until the file is where media keeps it, such as at Cloudinary.
_KEEP_SECONDS = 620
_RENEW_SECONDS_BEFORE_END = 30
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class _Bearer(requests.auth.AuthBase):
    # As an auth object: requests would put a matching entry of ~/.netrc over a plain header.
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class AntiphonClient:
    """One user's view of the Antiphon at `url`; all methods raise a ClientError that says why."""

    def __init__(self, url: str, retry: Retry | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ClientError(f"{url!r} is not a URL like http://localhost:8080")
        self.url = url.rstrip("/")
        self._retry = retry or Retry()
        # A proxy from the environment is of no use on the way to this machine.
        self._trust_env = parts.hostname not in _LOOPBACK
        self._local = threading.local()
        self._login = threading.Lock()
        self._credentials: tuple[str, str] | None = None
        self._tokens: Tokens | None = None
        self._renew_at = 0.0

    def register(self, email: str, username: str, password: str, display_name: str) -> User:
        """Make an account; ApiError 409 if the name or the address is taken."""
        body = {
            "email": email,
            "username": username,
            "password": password,
            "display_name": display_name,
        }
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        register = partial(self._send, "POST", "/api/v1/auth/register", json=body, headers=headers)
        return self._retry.run(lambda: _read(User, register()))

    def log_in(self, username: str, password: str) -> None:
        """Get tokens for a user name or e-mail address; LoginError if the two do not match."""
        self._credentials = (username, password)
        # Who has just typed the wrong URL should not wait long to learn it.
        replace(self._retry, attempts=min(3, self._retry.attempts)).run(self._enter)

    def find_upload(self, sha256: str) -> Upload | None:
        """Return the user's own upload with this content (hex digest), if there is one."""
        return self._retry.run(lambda: self._find_upload(sha256))

    def upload(
        self,
        path: Path,
        sha256: str,
        on_progress: Callable[[int], None],
        metadata: Mapping[str, object] | None = None,
    ) -> Upload:
        """Send a file unless the server has its content; `on_progress` hears the bytes gone so far.

        Asks before each attempt, so that a connection lost after the last byte costs no second
        transfer. SourceError if the file cannot be read.
        """

        def attempt() -> Upload:
            known = self._find_upload(sha256)
            if known is not None and known.is_welcome:
                return known
            return self._upload(path, on_progress, metadata)

        return self._retry.run(attempt)

    def get_upload(self, upload_id: str) -> Upload:
        """Return an upload as it is now; ApiError 404 if it is gone."""
        return self._call(Upload, "GET", f"/api/v1/uploads/{upload_id}")

    def search(self, text: str, types: Sequence[str] = ("track", "album", "artist")) -> Found:
        """Return what matches a text in title or name."""
        wanted = {"q": text, "types": ",".join(types)}
        return self._call(Found, "GET", "/api/v1/search", params=wanted)

    def like(self, track_id: str) -> None:
        """Save a track; again does no harm."""
        self._retry.run(partial(self._authorised, "PUT", f"/api/v1/me/tracks/{track_id}"))

    def create_playlist(self, name: str, description: str, key: str) -> Playlist:
        """Make a public playlist; the same one again if `key` made it within a day."""
        body = {"name": name, "description": description, "visibility": "public"}
        headers = {"Idempotency-Key": key}
        return self._call(Playlist, "POST", "/api/v1/playlists", json=body, headers=headers)

    def get_playlist(self, playlist_id: str) -> Playlist:
        """Return a playlist with its first entries; ApiError 404 if there is none."""
        return self._call(Playlist, "GET", f"/api/v1/playlists/{playlist_id}")

    def add_to_playlist(self, playlist_id: str, track_ids: Sequence[str], key: str) -> None:
        """Put tracks at the end; does nothing if that was done with this `key` within a day.

        ApiError 404 or 422 for tracks that playlists do not know yet.
        """
        path = f"/api/v1/playlists/{playlist_id}/entries"
        body, headers = {"track_ids": list(track_ids)}, {"Idempotency-Key": key}
        self._retry.run(partial(self._authorised, "POST", path, json=body, headers=headers))

    def _find_upload(self, sha256: str) -> Upload | None:
        response = self._authorised("GET", "/api/v1/uploads", params={"sha256": sha256})
        uploads = _read(Uploads, response).items
        return next((upload for upload in uploads if upload.is_welcome), next(iter(uploads), None))

    def _upload(
        self, path: Path, on_progress: Callable[[int], None], metadata: Mapping[str, object] | None
    ) -> Upload:
        def attempt(**options: Any) -> requests.Response:
            with MultipartUpload(path, metadata, on_progress) as body:
                headers = {"Content-Type": body.content_type}
                send = partial(self._send, read_seconds=_KEEP_SECONDS)
                return send("POST", "/api/v1/uploads", data=body, headers=headers, **options)

        return _read(Upload, self._with_token(attempt))

    def _call(self, model: type[Model], method: str, path: str, **options: Any) -> Model:
        return self._retry.run(lambda: _read(model, self._authorised(method, path, **options)))

    def _authorised(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._with_token(partial(self._send, method, path, **options))

    def _with_token(self, send: Callable[..., requests.Response]) -> requests.Response:
        """Send with the access token; when it is refused, once more with a new one."""
        token = self._access_token(refused=None)
        try:
            return send(auth=_Bearer(token))
        except ApiError as error:
            if error.status != requests.codes.unauthorized:
                raise
        return send(auth=_Bearer(self._access_token(refused=token)))

    def _access_token(self, refused: str | None) -> str:
        # One thread renews for all: a refresh token used twice ends the whole session.
        with self._login:
            if self._tokens is None:
                raise LoginError("Log in first.")
            if self._tokens.access_token == refused or time.monotonic() > self._renew_at:
                self._renew(self._tokens.refresh_token)
            return self._tokens.access_token

    def _renew(self, refresh_token: str) -> None:
        try:
            self._grant(grant_type="refresh_token", refresh_token=refresh_token)
        except LoginError:
            self._enter()

    def _enter(self) -> None:
        if self._credentials is None:
            raise LoginError("The login has ended; log in again.")
        username, password = self._credentials
        self._grant(grant_type="password", username=username, password=password)

    def _grant(self, **form: str) -> None:
        try:
            tokens = _read(Tokens, self._send("POST", "/api/v1/auth/token", data=form))
        except ApiError as error:
            if error.status in {requests.codes.bad_request, requests.codes.unauthorized}:
                raise LoginError(error.detail) from error
            raise
        self._tokens = tokens
        self._renew_at = time.monotonic() + tokens.expires_in - _RENEW_SECONDS_BEFORE_END

    def _send(
        self, method: str, path: str, *, read_seconds: float = _READ_SECONDS, **options: Any
    ) -> requests.Response:
        try:
            response = self._session().request(
                method,
                self.url + path,
                timeout=(_CONNECT_SECONDS, read_seconds),
                allow_redirects=False,
                **options,
            )
        except requests.RequestException as error:
            raise ServerUnreachableError(
                f"No answer from {self.url} ({_reason(error)}). Does Antiphon run there?"
            ) from error
        check(response)
        return response

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = self._trust_env
        session: requests.Session = self._local.session
        return session


def _read(model: type[Model], response: requests.Response) -> Model:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise ClientError(
            f"{response.url} answered something that no Antiphon says: {error}"
        ) from error


def _reason(error: requests.RequestException) -> str:
    """Return the innermost cause: the outer ones only repeat the URL."""
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    return str(cause) or type(cause).__name__
