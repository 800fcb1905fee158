"""Versions of playlists as entity tags (RFC 9110 §8.8.3) and preconditions."""

import hashlib
import re

from flask import Response
from pydantic import BaseModel

from playlist.http.schemas import IfMatch
from playlist.models import Playlist

_STRONG_TAG = re.compile(r'(?<!W/)"([0-9]{1,18})(?:-[0-9a-f]+)?"')


def expected_versions(header: IfMatch) -> frozenset[int] | None:
    """Return the versions that If-Match allows; None if it allows any.

    What others may rename, such as a track, is not the playlist's: only its version is compared.
    """
    if header.if_match is None or header.if_match.strip() == "*":
        return None
    return frozenset(int(tag) for tag in _STRONG_TAG.findall(header.if_match))


def version_header(playlist: Playlist) -> dict[str, str]:
    """Return the header that lets a client change the playlist again without reading it."""
    return {"ETag": f'"{playlist.version}"'}


def tagged(body: BaseModel, version: int) -> Response:
    """Return the body with a tag of its version and bytes: names in it change by themselves."""
    text = body.model_dump_json()
    response = Response(text, mimetype="application/json")
    digest = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    response.set_etag(f"{version}-{digest}")
    return response
