"""Schemas and pages carry what stands in the code, and nothing goes unexplained."""

from typing import ClassVar

import pytest
from pydantic import ConfigDict

from common.events import Event
from event_pages import index, pages
from event_schemas import event_schema

KIND = "song.verse.sung.v1"
ROUTES = {KIND: ["choir", "external"]}
PAGE = """# Events
<!-- envelope: written by `make contracts` -->
<!-- /envelope -->
between
<!-- events: written by `make contracts` -->
old
<!-- /events -->
after
"""


class VerseSung(Event):
    """A verse was sung."""

    model_config = ConfigDict(json_schema_extra={"deprecated": True})

    event_type: ClassVar = KIND
    subject_kind: ClassVar = "verse"

    words: list[str | None] | None
    """What was sung;
    null for humming."""


class Unexplained(VerseSung):
    """Has a field that nobody explains."""

    loudness: float


def test_a_schema_says_what_the_code_says() -> None:
    properties = event_schema(VerseSung)["properties"]
    assert properties["source"]["const"] == "/song"
    assert properties["data"]["deprecated"] is True
    assert properties["data"]["required"] == ["id", "version", "words"]
    fields = properties["data"]["properties"]
    assert fields["id"]["description"] == "The verse's id."
    assert fields["words"]["description"] == "What was sung;\nnull for humming."


def test_a_field_without_a_docstring_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"Unexplained\.loudness needs a docstring"):
        event_schema(Unexplained)


def test_the_index_replaces_what_is_between_its_markers() -> None:
    schemas = {KIND: event_schema(VerseSung)}
    page = index(PAGE, schemas, ROUTES)
    assert "| `traceparent` | string or null | " in page
    row = (
        f"| [`{KIND}`](events/song.md#songverse) | **Deprecated.** A verse was sung. "
        "| choir, external |\n"
    )
    assert row in page
    assert "old" not in page
    assert page.endswith("<!-- /events -->\nafter\n")
    assert index(page, schemas, ROUTES) == page
    with pytest.raises(ValueError, match="no place for a table"):
        index(PAGE.replace("<!-- /events -->", ""), schemas, ROUTES)


def test_a_page_has_each_field_and_an_example() -> None:
    sample = {"data": {"id": "v", "version": 1, "words": ["la"]}}
    page = pages({KIND: event_schema(VerseSung)}, ROUTES, {KIND: sample})["song"]
    row = "| `words` | list of (string or null) or null | What was sung; null for humming. |\n"
    assert row in page
    assert '"words": [' in page
