"""The AsyncAPI 3 document of the bus: queues, what is in them, who writes and who reads."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]
Routes = Mapping[str, Sequence[str]]

EXTERNAL = "external"
_EVENTS = "Events for {service}, each until {service} has committed its effect."
_ACKS = "Ids of events of {service} whose effect a reader has committed: they are not sent again."
_OUTBOX = (
    "What nobody inside Antiphon reads stays in the publisher's outbox. To read such an event, "
    "write a name behind it in contracts/subscribers.yaml: it comes on the queue <name>.events "
    "until its id is acknowledged."
)
_WIRE = (
    "A durable kombu queue with JSON bodies. On Redis that is a list of kombu's own JSON messages, "
    "the body in base64; on RabbitMQ it is a queue behind the default exchange."
)


def document(
    schemas: Mapping[str, Document], routes: Routes, samples: Mapping[str, Document]
) -> Document:
    """Return the document of all events; `schemas`, `routes` and `samples` are by event type."""
    messages = {kind: _message(kind, schemas[kind], samples[kind]) for kind in sorted(schemas)}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Antiphon's bus",
            "version": "1",
            "description": "What the services tell one another. Generated from contracts/events "
            "and contracts/subscribers.yaml; explained in docs/events.md.",
            "tags": _tags(sorted({_publisher(kind) for kind in schemas})),
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": _channels(routes),
        "operations": _operations(routes),
        "components": {
            "messages": messages | {"acknowledgement": _acknowledgement()},
            "schemas": _components(schemas),
        },
    }


def _server() -> Document:
    return {
        "host": "{address}",
        "protocol": "redis",
        "description": "What BROKER_URL names: Redis or Valkey, or RabbitMQ with amqp://. "
        "Started on a laptop, it is a Unix socket in the data folder instead.",
        "variables": {"address": {"default": "localhost:6379", "description": "Host and port."}},
    }


def _channels(routes: Routes) -> Document:
    channels: Document = {}
    for service, kinds in sorted(_by_reader(routes).items()):
        if service == EXTERNAL:
            channels["outbox"] = _channel(None, _OUTBOX, kinds)
        else:
            text = _EVENTS.format(service=service)
            channels[f"{service}.events"] = _channel(f"{service}.events", text, kinds)
    for service in sorted({publisher for publisher, _ in _pairs(routes)}):
        text = _ACKS.format(service=service)
        channels[f"{service}.acks"] = _channel(f"{service}.acks", text, ["acknowledgement"])
    return channels


def _channel(address: str | None, text: str, messages: Sequence[str]) -> Document:
    return {
        "address": address,
        "description": f"{text} {_WIRE}" if address else text,
        "messages": {name: _ref("components/messages", name) for name in messages},
        **({"servers": [_ref("servers", "broker")]} if address else {}),
    }


def _operations(routes: Routes) -> Document:
    operations: Document = {}
    for (publisher, reader), kinds in sorted(_pairs(routes, with_external=True).items()):
        channel = "outbox" if reader == EXTERNAL else f"{reader}.events"
        text = f"{publisher} tells {'whoever reads it' if reader == EXTERNAL else reader}."
        name = f"{publisher}.tell.{reader}"
        operations[name] = _operation("send", publisher, channel, kinds, text)
    for reader, kinds in sorted(_by_reader(routes).items()):
        if reader != EXTERNAL:
            text = f"{reader} applies each event once, whatever order they come in."
            channel = f"{reader}.events"
            operations[f"{reader}.apply"] = _operation("receive", reader, channel, kinds, text)
    for publisher, reader in sorted(_pairs(routes)):
        text = f"{reader} has committed what {publisher} told."
        acks = ["acknowledgement"]
        operations[f"{reader}.acknowledge.{publisher}"] = _operation(
            "send", reader, f"{publisher}.acks", acks, text
        )
        text = f"{publisher} forgets deliveries that arrived."
        operations[f"{publisher}.settle"] = _operation(
            "receive", publisher, f"{publisher}.acks", acks, text
        )
    return operations


def _operation(
    action: str, service: str, channel: str, messages: Sequence[str], text: str
) -> Document:
    return {
        "action": action,
        "channel": _ref("channels", channel),
        "summary": text,
        "tags": _tags([service]),
        "messages": [_ref(f"channels/{channel}/messages", name) for name in messages],
    }


def _message(kind: str, schema: Document, sample: Document) -> Document:
    return {
        "name": kind,
        "title": kind,
        "summary": schema["description"],
        "contentType": "application/cloudevents+json",
        "tags": _tags([_publisher(kind)]),
        "payload": _ref("components/schemas", kind),
        "examples": [{"name": "golden", "payload": sample}],
    }


def _acknowledgement() -> Document:
    return {
        "name": "acknowledgement",
        "title": "Acknowledgement",
        "summary": "A reader has committed the effects of some events.",
        "contentType": "application/json",
        "payload": _ref("components/schemas", "acknowledgement"),
        "examples": [
            {
                "name": "one",
                "payload": {
                    "subscriber": "catalog",
                    "event_ids": ["01938b1d-0000-7000-8000-000000000302"],
                },
            }
        ],
    }


def _components(schemas: Mapping[str, Document]) -> Document:
    """Return every event's schema, and what they refer to under the publisher's name."""
    components: Document = {
        "acknowledgement": {
            "type": "object",
            "properties": {
                "subscriber": {"type": "string", "description": "The service that committed."},
                "event_ids": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "The `id` of each event.",
                },
            },
            "required": ["subscriber", "event_ids"],
        }
    }
    for kind, schema in sorted(schemas.items()):
        publisher = _publisher(kind)
        text = json.dumps(schema).replace("#/$defs/", f"#/components/schemas/{publisher}.")
        moved: Document = json.loads(text)
        del moved["$schema"], moved["$id"]
        for name, definition in moved.pop("$defs", {}).items():
            known = components.setdefault(f"{publisher}.{name}", definition)
            if known != definition:
                raise ValueError(f"{publisher} publishes two different schemas named {name}")
        components[kind] = moved
    return components


def _by_reader(routes: Routes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in sorted(routes):
        for reader in routes[kind]:
            found.setdefault(reader, []).append(kind)
    return found


def _pairs(routes: Routes, *, with_external: bool = False) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for reader, kinds in _by_reader(routes).items():
        for kind in kinds:
            if with_external or reader != EXTERNAL:
                found.setdefault((_publisher(kind), reader), []).append(kind)
    return found


def _publisher(kind: str) -> str:
    return kind.partition(".")[0]


def _tags(names: Sequence[str]) -> list[Document]:
    return [{"name": name} for name in names]


def _ref(place: str, name: str) -> Document:
    return {"$ref": f"#/{place}/{name}"}
