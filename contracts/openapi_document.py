"""The OpenAPI documents of all services in one."""

import importlib
import json
import re
from collections.abc import Sequence
from typing import Any

from common.web.openapi import document

Document = dict[str, Any]

_SHARED_SCHEMAS = {"Problem", "ProblemField"}
# In the order in which somebody new would read them.
_TAGS = {
    "auth": "Accounts and tokens.",
    "users": "One's own account; all accounts for administrators.",
    "uploads": "Sending recordings, and following them until they are tracks.",
    "playback": "Links that play a track.",
    "tracks": "Tracks and their lyrics.",
    "albums": "Albums.",
    "artists": "Artists.",
    "genres": "Genres.",
    "search": "Finding tracks, albums and artists.",
    "charts": "What is heard most, and what is new.",
    "playlists": "Playlists and their entries.",
    "me": "One's own library: likes and history.",
    "media": "Files behind links, and what is known of a recording.",
    ".well-known": "Public keys.",
}


def _service_document(service: str) -> Document:
    """Return one service's OpenAPI document, with names that are unique in the suite."""
    text = json.dumps(document(importlib.import_module(f"{service}.wsgi").app))

    def rename(match: re.Match[str]) -> str:
        return f'"#/components/schemas/{_schema_name(service, match[1])}"'

    spec: Document = json.loads(re.sub(r'"#/components/schemas/([^"]+)"', rename, text))
    schemas = spec["components"]["schemas"]
    spec["components"]["schemas"] = {
        _schema_name(service, name): schema for name, schema in schemas.items()
    }
    for path, operations in spec["paths"].items():
        for operation in operations.values():
            operation["operationId"] = f"{service}_{operation['operationId']}"
            operation["tags"] = [_tag(path)]
    return spec


def merge(services: Sequence[str]) -> Document:
    """Join the services' documents; raises ValueError when two claim the same path."""
    documents = [_service_document(service) for service in services]
    paths: Document = {}
    schemas: Document = {}
    for spec in documents:
        claimed = paths.keys() & spec["paths"].keys()
        if claimed:
            raise ValueError(f"two services answer {sorted(claimed)}")
        paths |= spec["paths"]
        schemas |= spec["components"]["schemas"]
    used = {
        tag for path in paths.values() for operation in path.values() for tag in operation["tags"]
    }
    if used != set(_TAGS):
        raise ValueError(f"_TAGS and the paths disagree on {sorted(used ^ set(_TAGS))}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Antiphon",
            "version": "1",
            "description": "Upload music, find it, put it on playlists, stream it.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": documents[0]["components"]["securitySchemes"],
        },
    }


def _schema_name(service: str, name: str) -> str:
    return name if name in _SHARED_SCHEMAS else f"{service.capitalize()}{name}"


def _tag(path: str) -> str:
    return path.removeprefix("/api/v1/").strip("/").split("/")[0]
