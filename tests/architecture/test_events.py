"""Every event has a publisher, a schema, a golden sample, and a reader or the word `external`."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

SERVICES = ("auth", "catalog", "playlist", "media")


@pytest.fixture(scope="session")
def routes(contracts_dir: Path) -> dict[str, list[str]]:
    routes: dict[str, list[str]] = yaml.safe_load((contracts_dir / "subscribers.yaml").read_text())
    return routes


def test_published_and_routed_events_are_the_same(
    contracts_build: ModuleType, routes: dict[str, list[str]]
) -> None:
    published = {
        event.event_type
        for service in SERVICES
        for event in contracts_build.published_events(service)
    }
    assert published == routes.keys()


def test_every_event_has_readers_that_listen(routes: dict[str, list[str]]) -> None:
    for service in SERVICES:
        worker = importlib.import_module(f"{service}.worker")
        expected = {kind for kind, subscribers in routes.items() if service in subscribers}
        heard = worker.subscriptions.types
        assert heard == expected, f"{service}: its consumers/, or which of them worker.py takes in"
    for kind, subscribers in routes.items():
        assert subscribers, f"{kind} needs a subscriber or `external`"
        assert set(subscribers) <= {*SERVICES, "external"}


def test_every_sample_fits_its_schema(contracts_dir: Path, routes: dict[str, Any]) -> None:
    for kind in routes:
        schema = json.loads((contracts_dir / "events" / f"{kind}.json").read_text())
        sample = json.loads((contracts_dir / "events" / "samples" / f"{kind}.json").read_text())
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(
            sample
        )


def test_what_is_told_of_a_user_can_be_found_when_they_are_erased(
    contracts_build: ModuleType,
) -> None:
    unmarked = {
        event.event_type
        for service in SERVICES
        for event in contracts_build.published_events(service)
        if {"owner_id", "user_id"} & event.model_fields.keys() and event.data_of is None
    }
    # These hold no more than ids: a new one has to be made so, too, or to say whose data it holds.
    said = {kind for kind in unmarked if ".deleted." not in kind}
    assert said == {"auth.session.revoked.v1"}, "name the field with the user in `data_of`"
