"""Builds what others rely on from the code: `python contracts/build.py [--check]`.

`events/<type>.json` is the JSON Schema of each published event, `openapi.json` the merged OpenAPI
document of all services, `asyncapi.json` the AsyncAPI document of the bus; `docs/events.md` and the
pages below it explain the events. With `--check` nothing is written: it fails when a file would
change.
"""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

import asyncapi_document
import event_pages
import openapi_document
from event_schemas import SERVICES, event_schema, published_events

CONTRACTS = Path(__file__).resolve().parent
DOCS = CONTRACTS.parent / "docs"

Document = dict[str, Any]


def build() -> dict[Path, str]:
    """Return every generated file's path and text."""
    schemas = {
        event.event_type: event_schema(event)
        for service in SERVICES
        for event in published_events(service)
    }
    routes = read_routes()
    samples = {kind: _read_sample(kind) for kind in schemas}
    documents = {
        CONTRACTS / "events" / f"{kind}.json": schema for kind, schema in schemas.items()
    } | {
        CONTRACTS / "openapi.json": openapi_document.merge(SERVICES),
        CONTRACTS / "asyncapi.json": asyncapi_document.document(schemas, routes, samples),
    }
    pages = event_pages.pages(schemas, routes, samples)
    index = event_pages.index((DOCS / "events.md").read_text(), schemas, routes)
    return (
        {path: _as_json(content) for path, content in documents.items()}
        | {DOCS / "events" / f"{service}.md": page for service, page in pages.items()}
        | {DOCS / "events.md": index}
    )


def read_routes() -> dict[str, list[str]]:
    """Return who reads which event type."""
    routes: dict[str, list[str]] = yaml.safe_load((CONTRACTS / "subscribers.yaml").read_text())
    return routes


def _read_sample(kind: str) -> Document:
    path = CONTRACTS / "events" / "samples" / f"{kind}.json"
    if not path.exists():
        sys.exit(f"{kind} needs a golden sample: write {path.relative_to(CONTRACTS.parent)}")
    sample: Document = json.loads(path.read_text())
    return sample


def _as_json(content: Document) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


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
    present = {*(CONTRACTS / "events").glob("*.json"), *(DOCS / "events").glob("*.md")}
    extra = present - files.keys()
    if "--check" in sys.argv:
        for path in [*stale, *extra]:
            print(f"{path.relative_to(CONTRACTS.parent)} is not what the code says")
        sys.exit("Run `make contracts`." if stale or extra else None)
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[path])
    for path in extra:
        path.unlink()
    print(f"{len(files)} contracts, {len(stale)} written, {len(extra)} removed")


if __name__ == "__main__":
    main()
