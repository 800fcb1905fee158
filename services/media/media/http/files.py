"""Files behind signed links and public covers: this service decides, the gateway sends."""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Response, current_app
from flask_openapi import APIBlueprint
from werkzeug.http import dump_options_header

from common.auth import public
from common.errors import NotFound
from common.web import reading
from media.http.schemas import FilePath, ImagePath
from media.models import Asset
from media.ports import GatewayPath, RemoteUrl, Storage
from media.queries.uploads import upload_of_asset
from media.services.links import Link, LinkSigner
from media.services.playback import point_at

api = APIBlueprint("files", __name__, url_prefix="/media")

_RENDITION = re.compile(r"(master|[0-9]{1,4}k)\.m3u8|[0-9]{1,4}k\.m4s")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TYPES = {"m3u8": "application/vnd.apple.mpegurl", "m4s": "audio/mp4"}
# A link is its own permission and no cookie is involved, so any page may use one it has.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@api.get("/<token>/<name>", responses={200: None, 302: None, 403: None})
@public
def read_file(path: FilePath) -> Any:
    """Fetch a playlist, a rendition or the original with a signed link."""
    links: LinkSigner = current_app.extensions["links"]
    link = links.verify(path.token)
    if link.download and path.name == "original":
        return _original(link)
    if link.download or not _RENDITION.fullmatch(path.name):
        raise NotFound("This link opens no such file.")
    folder = f"renditions/{link.asset_id}/attempt-{link.attempt}"
    media_type = _TYPES[path.name.rpartition(".")[2]]
    etag = f"{link.asset_id}-{link.attempt}-{path.name}"
    cache = f"private, max-age={_seconds_left(link)}, immutable"
    located = _storage().locate(f"{folder}/{path.name}", link.expires_at)
    if isinstance(located, RemoteUrl) and path.name.endswith(".m3u8"):
        return _answer(media_type, cache, _playlist(folder, path.name, link))
    return _send(located, media_type, etag, cache)


@api.get("/images/<uuid:asset_id>/<sha256>.jpg", responses={200: None, 302: None})
@public
def read_image(path: ImagePath) -> Any:
    """Fetch a cover; the path names its content, so it never changes."""
    if not _SHA256.fullmatch(path.sha256):
        raise NotFound("There is no such image.")
    key = f"images/{path.asset_id}/{path.sha256}.jpg"
    located = _storage().locate(key)
    return _send(located, "image/jpeg", path.sha256, "public, max-age=31536000, immutable")


def _original(link: Link) -> Response:
    with reading() as session:
        upload = upload_of_asset(session, link.asset_id)
        if upload is None:
            raise NotFound("The recording was deleted.")
        asset: Asset = upload.asset
    cache = f"private, max-age={_seconds_left(link)}"
    located = _storage().locate(asset.original_key, link.expires_at, download=True)
    response = _send(located, asset.media_type, asset.sha256, cache)
    name = {"filename": upload.filename} if upload.filename else {}
    response.headers["Content-Disposition"] = dump_options_header("attachment", name)
    return response


def _playlist(folder: str, name: str, link: Link) -> str:
    """Return a playlist for players that fetch media elsewhere: one URL for each rendition."""
    playlist, media = _storage().read(f"{folder}/{name}").decode("ascii"), f"{name[:-5]}.m4s"
    if name == "master.m3u8":
        return playlist
    located = _storage().locate(f"{folder}/{media}", link.expires_at)
    return point_at(playlist, media, located.url) if isinstance(located, RemoteUrl) else playlist


def _send(
    located: GatewayPath | RemoteUrl, media_type: str, etag: str, cache_control: str
) -> Response:
    response = _answer(media_type, cache_control)
    if isinstance(located, RemoteUrl):
        response.status_code = HTTPStatus.FOUND
        response.headers["Location"] = located.url
    else:
        response.headers["X-Accel-Redirect"] = located.path
        response.set_etag(etag)
    return response


def _answer(media_type: str, cache_control: str, body: str | None = None) -> Response:
    response = Response(body, content_type=media_type)
    response.headers.update(_CORS)
    response.headers["Cache-Control"] = cache_control
    return response


def _storage() -> Storage:
    storage: Storage = current_app.extensions["storage"]
    return storage


def _seconds_left(link: Link) -> int:
    return max(0, int((link.expires_at - datetime.now(UTC)).total_seconds()))
