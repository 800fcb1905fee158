"""What the stand-in for Cloudinary keeps."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

# Beginnings of the containers that Cloudinary documents for audio and video.
_AUDIO = re.compile(rb"ID3|fLaC|OggS|RIFF|FORM|\x1a\x45\xdf\xa3|....ftyp|\xff[\xe0-\xff]", re.S)


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str, as_html: bool = False) -> None:
        super().__init__(message)
        self.status, self.as_html = status, as_html


@dataclass
class Asset:
    """One stored file."""

    data: bytes
    tags: list[str]
    created_at: datetime


class Assets:
    """Files by resource type, delivery type and public id, and uploads that are not complete."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, str, str], Asset] = {}
        self._partial: dict[str, bytearray] = {}

    def add_chunk(self, upload_id: str, start: int, is_last: bool, data: bytes) -> bytes | None:
        """Add a chunk in its turn; return all of the file once it is whole."""
        held = self._partial.setdefault(upload_id, bytearray())
        if start != len(held):
            raise Refused(400, f"Expected the chunk at {len(held)}, got the one at {start}")
        held += data
        return bytes(self._partial.pop(upload_id)) if is_last else None

    def store(self, kind: str, params: dict[str, Any], data: bytes) -> dict[str, Any]:
        """Keep a file as the Upload API does; return what that answers."""
        if kind == "video" and not _AUDIO.match(data):
            raise Refused(400, "Unsupported video format or file")
        if kind == "image" and not data.startswith(b"\xff\xd8\xff"):
            raise Refused(400, "Invalid image file")
        if not data:
            raise Refused(400, "Empty file")
        tags = [tag for tag in params.get("tags", "").split(",") if tag]
        where = (kind, params["type"], params["public_id"])
        if where in self._stored and params.get("overwrite") != "1":
            raise Refused(409, "There is such a file")
        self._stored[where] = Asset(data, tags, datetime.now(UTC))
        return {
            "public_id": params["public_id"],
            "resource_type": kind,
            "type": params["type"],
            "bytes": len(data),
            "etag": hashlib.md5(data).hexdigest(),
            "tags": tags,
        }

    def get(self, kind: str, delivery: str, public_id: str) -> bytes:
        """Return a file's bytes."""
        if found := self._stored.get((kind, delivery, public_id)):
            return found.data
        raise Refused(404, f"Resource not found - {public_id}")

    def remove(self, kind: str, delivery: str, public_id: str) -> bool:
        """Remove a file; say if there was one."""
        return self._stored.pop((kind, delivery, public_id), None) is not None

    def remove_below(self, kind: str, delivery: str, prefix: str) -> dict[str, Any]:
        """Remove files by prefix, a thousand at a time."""
        found = self._below(kind, delivery, prefix)
        for where in found[:1000]:
            del self._stored[where]
        deleted = {where[2]: "deleted" for where in found[:1000]}
        return {"deleted": deleted, "partial": len(found) > 1000}

    def page(self, kind: str, delivery: str, query: dict[str, str]) -> dict[str, Any]:
        """List files by prefix; tags only if asked for."""
        found = self._below(kind, delivery, query["prefix"])
        start, limit = int(query.get("next_cursor", "0")), int(query.get("max_results", "10"))
        if limit > 500:
            raise Refused(400, "max_results is at most 500")
        shown = [self._show(where, "tags" in query) for where in found[start : start + limit]]
        more = {"next_cursor": str(start + limit)} if len(found) > start + limit else {}
        return {"resources": shown} | more

    def age(self, hours: float) -> None:
        """Make all that is stored older."""
        for asset in self._stored.values():
            asset.created_at -= timedelta(hours=hours)

    def describe(self) -> list[str]:
        """Return where everything is, as `type/delivery/public id`, in order."""
        return sorted("/".join(where) for where in self._stored)

    def _below(self, kind: str, delivery: str, prefix: str) -> list[tuple[str, str, str]]:
        return sorted(
            where
            for where in self._stored
            if where[:2] == (kind, delivery) and where[2].startswith(prefix)
        )

    def _show(self, where: tuple[str, str, str], with_tags: bool) -> dict[str, Any]:
        asset = self._stored[where]
        kind, delivery, public_id = where
        shown = {"resource_type": kind, "type": delivery, "public_id": public_id}
        created = asset.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return shown | {"created_at": created} | ({"tags": asset.tags} if with_tags else {})
