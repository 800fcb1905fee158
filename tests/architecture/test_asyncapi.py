"""The AsyncAPI document is valid, and says of the bus what is so."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel
from pydantic_asyncapi.v3 import AsyncAPI

from common.events.worker import Worker
from common.testing.contracts import with_unknown_fields

Document = dict[str, Any]


@pytest.fixture(scope="session")
def document(contracts_dir: Path) -> Document:
    found: Document = json.loads((contracts_dir / "asyncapi.json").read_text())
    return found


def test_the_document_is_valid(document: Document) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert list(_unknown(AsyncAPI.model_validate(document), "$")) == []


@pytest.mark.parametrize(
    ("path", "key"),
    [("info", "verison"), ("channels/auth.events", "adress"), ("operations/auth.apply", "actoin")],
)
def test_a_misspelt_field_is_noticed(document: Document, path: str, key: str) -> None:
    broken = json.loads(json.dumps(document))
    place = broken
    for step in path.split("/"):
        place = place[step]
    place[key] = "x"
    assert [name.rpartition(".")[2] for name in _unknown(AsyncAPI.model_validate(broken), "$")] == [
        key
    ]


def test_every_reference_leads_somewhere(document: Document) -> None:
    for reference in _references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, reference
            found = found[step]


def test_every_example_fits_its_payload(document: Document) -> None:
    for name, message in document["components"]["messages"].items():
        (example,) = message["examples"]
        errors = list(_validator(document, name).iter_errors(example["payload"]))
        assert errors == [], name


def test_a_payload_that_lacks_a_field_does_not_fit(document: Document) -> None:
    name = "media.asset.ready.v1"
    (example,) = document["components"]["messages"][name]["examples"]
    validator = _validator(document, name)
    assert validator.is_valid(with_unknown_fields(example["payload"]))
    del example["payload"]["data"]["cover"]["url"]
    assert not validator.is_valid(example["payload"])


def test_operations_use_messages_of_their_channel(document: Document) -> None:
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"].rpartition("/")[2]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"#/channels/{channel}/messages/"), name


def test_each_event_is_told_and_applied_by_whom_the_routes_name(
    document: Document, contracts_build: ModuleType
) -> None:
    routes = contracts_build.read_routes()
    told, applied = set(), set()
    for name, operation in document["operations"].items():
        service, verb, *rest = name.split(".")
        kinds = [message["$ref"].rpartition("/")[2] for message in operation["messages"]]
        if verb == "tell":
            told |= {(service, kind, *rest) for kind in kinds}
        elif verb == "apply":
            applied |= {(kind, service) for kind in kinds}
    expected = {(kind, reader) for kind, readers in routes.items() for reader in readers}
    assert told == {(kind.partition(".")[0], kind, reader) for kind, reader in expected}
    assert applied == {(kind, reader) for kind, reader in expected if reader != "external"}


def test_workers_use_the_queues_and_acknowledgements_of_the_document(document: Document) -> None:
    sent: dict[str, Any] = {}

    class Spy:
        def publish(self, queue: str, bodies: list[bytes]) -> bool:
            sent[queue] = json.loads(bodies[0])
            return True

    worker: Any = Worker.__new__(Worker)
    worker.service = "catalog"
    worker._acknowledge(Spy(), {"media": ["01938b1d-0000-7000-8000-000000000302"]})
    assert sent.keys() <= {channel["address"] for channel in document["channels"].values()}
    _validator(document, "acknowledgement").validate(sent["media.acks"])


def _validator(document: Document, message: str) -> jsonschema.Draft202012Validator:
    payload = document["components"]["messages"][message]["payload"]
    schema = {"components": document["components"], **payload}
    return jsonschema.Draft202012Validator(schema)


def _unknown(value: object, path: str) -> Iterator[str]:
    """Give the fields that AsyncAPI does not know: the models let them pass."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            if not name.startswith("x-"):
                yield f"{path}.{name}"
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _unknown(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _unknown(item, path)


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
