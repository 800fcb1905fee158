"""The JSON Schema of each published event, with the descriptions that stand in the code."""

import ast
import importlib
import inspect
import textwrap
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from common.events import Envelope, Event

SERVICES = ("auth", "catalog", "playlist", "media")

Document = dict[str, Any]


def published_events(service: str) -> list[type[Event]]:
    """Return the event types that a service publishes, sorted by name."""
    module = importlib.import_module(f"{service}.events")
    classes = [item for _, item in inspect.getmembers(module, inspect.isclass)]
    events = [c for c in classes if issubclass(c, Event) and hasattr(c, "event_type")]
    return sorted(events, key=lambda event: event.event_type)


def event_schema(event: type[Event]) -> Document:
    """Return the JSON Schema (2020-12) of the whole envelope of an event type."""
    schema = Envelope.model_json_schema(mode="serialization", schema_generator=_AsSent)
    data = event.model_json_schema(mode="serialization", schema_generator=_AsSent)
    definitions = data.pop("$defs", {})
    del data["description"]  # the same as the event's
    identifier = f"/contracts/events/{event.event_type}.json"
    properties = schema["properties"]
    properties["source"]["const"] = f"/{event.event_type.partition('.')[0]}"
    properties["type"]["const"] = event.event_type
    properties["subject"]["pattern"] = f"^{event.subject_kind}/."
    properties["dataschema"]["const"] = identifier
    properties["sequence"]["pattern"] = "^[0-9]+$"
    properties["data"] = {**data, "description": properties["data"]["description"]}
    data["properties"]["id"]["description"] = f"The {event.subject_kind}'s id."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        **schema,
        "title": event.event_type,
        "description": inspect.getdoc(event) or "",
        **({"$defs": definitions} if definitions else {}),
    }


def field_descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings below the fields of a model, its own and what it inherits.

    Read from the source: pydantic would do so whenever a service starts.
    """
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and parent is not BaseModel:
            found |= _docstrings(parent)
    return found


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)  # noqa: S101 - what the source of a class is
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


class _AsSent(GenerateJsonSchema):
    """Schemas of what is sent: every field is there, defaults included."""

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ARG002
        """Say yes."""
        return True

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Say no: it only repeats the name."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Add what the code says of each field."""
        described = super().model_schema(schema)
        texts = field_descriptions(schema["cls"])
        for name, field in described["properties"].items():
            field.pop("default", None)
            if name not in texts:
                where = f"{schema['cls'].__module__}.{schema['cls'].__qualname__}.{name}"
                raise ValueError(f"{where} needs a docstring below it: readers see it in docs/")
            field["description"] = texts[name]
        return described
