"""Golden samples of events: what producers must emit and consumers must accept."""

import json
from pathlib import Path
from typing import Any

import yaml

from common.events import Envelope

Sample = dict[str, Any]


def published_samples(contracts_dir: Path, service: str) -> dict[str, Sample]:
    """Return the golden envelope of each event type that a service publishes."""
    paths = sorted((contracts_dir / "events" / "samples").glob(f"{service}.*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def received_samples(contracts_dir: Path, service: str) -> dict[str, Sample]:
    """Return the golden envelope of each event type that is routed to a service."""
    routes = yaml.safe_load((contracts_dir / "subscribers.yaml").read_text())
    types = sorted(kind for kind, subscribers in routes.items() if service in subscribers)
    folder = contracts_dir / "events" / "samples"
    return {kind: json.loads((folder / f"{kind}.json").read_text()) for kind in types}


def with_unknown_fields(sample: Sample) -> Envelope:
    """Return the envelope with fields that a later version of its producer might add."""
    later = {**sample, "laterattribute": "x", "data": {**sample["data"], "later_field": {"a": 1}}}
    return Envelope.model_validate(later)
