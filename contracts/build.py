"""Builds what others rely on from the code: `python contracts/build.py [--check]`.

`events/<type>.json` is the JSON Schema of each published event, `openapi.json` the merged OpenAPI
document of all services. With `--check` nothing is written: it fails when a file would change.
"""

import importlib
import inspect
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from common.events import Envelope, Event
from common.web.openapi import document

SERVICES = ("auth", "catalog", "playlist", "media")
CONTRACTS = Path(__file__).parent
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

Document = dict[str, Any]


def published_events(service: str) -> list[type[Event]]:
    """Return the event types that a service publishes, sorted by name."""
    module = importlib.import_module(f"{service}.events")
    classes = [item for _, item in inspect.getmembers(module, inspect.isclass)]
    events = [c for c in classes if issubclass(c, Event) and hasattr(c, "event_type")]
    return sorted(events, key=lambda event: event.event_type)


def event_schema(event: type[Event]) -> Document:
    """Return the JSON Schema (2020-12) of the whole envelope of an event type."""
    schema = Envelope.model_json_schema(mode="serialization")
    data = event.model_json_schema(mode="serialization")
    definitions = data.pop("$defs", {})
    schema["properties"]["type"] = {"const": event.event_type}
    schema["properties"]["data"] = data
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/contracts/events/{event.event_type}.json",
        **schema,
        "title": event.event_type,
        "description": inspect.getdoc(event) or "",
        **({"$defs": definitions} if definitions else {}),
    }


def service_document(service: str) -> Document:
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


def merge(documents: list[Document]) -> Document:
    """Join the services' documents; raises ValueError when two claim the same path."""
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


def build() -> dict[Path, str]:
    """Return every generated file's path and text."""
    files = {
        CONTRACTS / "events" / f"{event.event_type}.json": event_schema(event)
        for service in SERVICES
        for event in published_events(service)
    }
    files[CONTRACTS / "openapi.json"] = merge([service_document(s) for s in SERVICES])
    return {
        path: json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        for path, content in files.items()
    }


def _schema_name(service: str, name: str) -> str:
    return name if name in _SHARED_SCHEMAS else f"{service.capitalize()}{name}"


def _tag(path: str) -> str:
    return path.removeprefix("/api/v1/").strip("/").split("/")[0]


def set_environment(folder: str) -> None:
    """Give the services settings that are enough to build their applications."""
    os.environ |= {
        "AUTH_KEY_PASSPHRASE": "only to build documents",
        "BROKER_URL": f"unix://{folder}/none.sock",
        "CACHE_URL": f"unix://{folder}/none.sock",
        "CONTRACTS_DIR": str(CONTRACTS),
        "JWKS_URL": "http://127.0.0.1:1/jwks.json",
        "MEDIA_STORAGE_DIR": folder,
        "MEDIA_URL_SECRET": "only to build documents, 32 characters",
        "TOKEN_ISSUER": "http://localhost:8080",
        **{f"{service.upper()}_DATABASE_URL": "sqlite://" for service in SERVICES},
    }


def main() -> None:
    """Write the files, or check that they are what the code says."""
    with tempfile.TemporaryDirectory() as folder:
        set_environment(folder)
        files = build()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    extra = set((CONTRACTS / "events").glob("*.json")) - files.keys()
    if "--check" in sys.argv:
        for path in [*stale, *extra]:
            print(f"{path.relative_to(CONTRACTS.parent)} is not what the code says")
        sys.exit("Run `make contracts`." if stale or extra else None)
    for path in stale:
        path.write_text(files[path])
    for path in extra:
        path.unlink()
    print(f"{len(files)} contracts, {len(stale)} written, {len(extra)} removed")


if __name__ == "__main__":
    main()
