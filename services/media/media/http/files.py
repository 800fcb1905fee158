"""Files behind signed links and public covers: this service decides, the gateway sends."""

import re
from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app
from flask_openapi import APIBlueprint
from werkzeug.http import dump_options_header

from common.auth import public
from common.errors import NotFound
from common.web import reading
from media.http.schemas import FilePath, ImagePath
from media.models import Asset
from media.queries.uploads import upload_of_asset
from media.services.links import Link, LinkSigner

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


@api.get("/<token>/<name>", responses={200: None, 403: None})
@public
def read_file(path: FilePath) -> Any:
    """Fetch a playlist, a rendition or the original with a signed link."""
    links: LinkSigner = current_app.extensions["links"]
    link = links.verify(path.token)
    if link.download and path.name == "original":
        return _original(link)
    if link.download or not _RENDITION.fullmatch(path.name):
        raise NotFound("This link opens no such file.")
    key = f"renditions/{link.asset_id}/attempt-{link.attempt}/{path.name}"
    media_type = _TYPES[path.name.rpartition(".")[2]]
    etag = f"{link.asset_id}-{link.attempt}-{path.name}"
    return _send(key, media_type, etag, f"private, max-age={_seconds_left(link)}, immutable")


@api.get("/images/<uuid:asset_id>/<sha256>.jpg", responses={200: None})
@public
def read_image(path: ImagePath) -> Any:
    """Fetch a cover; the path names its content, so it never changes."""
    if not _SHA256.fullmatch(path.sha256):
        raise NotFound("There is no such image.")
    key = f"images/{path.asset_id}/{path.sha256}.jpg"
    return _send(key, "image/jpeg", path.sha256, "public, max-age=31536000, immutable")


def _original(link: Link) -> Response:
    with reading() as session:
        upload = upload_of_asset(session, link.asset_id)
        if upload is None:
            raise NotFound("The recording was deleted.")
        asset: Asset = upload.asset
    cache = f"private, max-age={_seconds_left(link)}"
    response = _send(asset.original_key, asset.media_type, asset.sha256, cache)
    name = {"filename": upload.filename} if upload.filename else {}
    response.headers["Content-Disposition"] = dump_options_header("attachment", name)
    return response


def _send(key: str, media_type: str, etag: str, cache_control: str) -> Response:
    response = Response(content_type=media_type)
    response.headers.update(_CORS)
    response.headers["X-Accel-Redirect"] = current_app.extensions["storage"].internal_path(key)
    response.headers["Cache-Control"] = cache_control
    response.set_etag(etag)
    return response


def _seconds_left(link: Link) -> int:
    return max(0, int((link.expires_at - datetime.now(UTC)).total_seconds()))
