"""CloudWatch's embedded metric format in tests: what CloudWatch would take from a process's log.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from typing import Any

from jsonschema import Draft202012Validator

_UNITS = ["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"]
_UNITS += [
    prefix + what + suffix
    for what in ("bytes", "bits")
    for prefix in ("Kilo", "Mega", "Giga", "Tera")
    for suffix in ("", "/Second")
] + ["Bytes", "Bytes/Second", "Bits", "Bits/Second"]


def _name(longest: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": longest}


_METRIC = {
    "type": "object",
    "required": ["Name"],
    "properties": {
        "Name": _name(1024),
        "Unit": {"enum": _UNITS},
        "StorageResolution": {"enum": [1, 60]},
    },
    "additionalProperties": False,
}
_DIRECTIVE = {
    "type": "object",
    "required": ["Namespace", "Dimensions", "Metrics"],
    "properties": {
        "Namespace": _name(1024),
        "Dimensions": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "maxItems": 30, "items": _name(250)},
        },
        "Metrics": {"type": "array", "maxItems": 100, "items": _METRIC},
    },
    "additionalProperties": False,
}
_ROOT = Draft202012Validator(
    {
        "type": "object",
        "required": ["_aws"],
        "properties": {
            "_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "properties": {
                    "Timestamp": {"type": "integer", "minimum": 1_500_000_000_000},
                    "CloudWatchMetrics": {"type": "array", "minItems": 1, "items": _DIRECTIVE},
                },
            }
        },
    }
)

Metrics = dict[tuple[str, ...], dict[str, tuple[float, str]]]
"""By dimensions, such as `("Service", "choir")`: each metric's value and unit."""


def check_document(document: dict[str, Any]) -> None:
    """Fail where a document breaks the format: by its schema, or by what it refers to."""
    _ROOT.validate(document)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for keys in directive["Dimensions"]:
            for key in keys:
                value = document[key]
                assert isinstance(value, str), key
                assert 1 <= len(value) <= 1024, key
        for metric in directive["Metrics"]:
            value = document[metric["Name"]]
            assert isinstance(value, int | float), metric
            assert not isinstance(value, bool), metric


def read_metrics(log: str, namespace: str) -> Metrics:
    """Return the newest figures that a process's log gives CloudWatch for a namespace.

    Fails where a line that speaks of `_aws` is not a document with nothing before or behind it.
    """
    found: Metrics = {}
    for line in log.splitlines():
        if "_aws" in line:
            document = json.loads(line)
            check_document(document)
            for directive in document["_aws"]["CloudWatchMetrics"]:
                if directive["Namespace"] == namespace:
                    _add(found, document, directive)
    return found


def _add(found: Metrics, document: dict[str, Any], directive: dict[str, Any]) -> None:
    for keys in directive["Dimensions"]:
        dimensions = tuple(word for key in keys for word in (key, document[key]))
        values = {
            metric["Name"]: (document[metric["Name"]], metric.get("Unit", "None"))
            for metric in directive["Metrics"]
        }
        found.setdefault(dimensions, {}).update(values)
