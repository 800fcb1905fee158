"""The pages that explain the events: an index in `docs/events.md`, a page for each publisher."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

Document = dict[str, Any]
Routes = Mapping[str, Sequence[str]]

_BEGIN = "<!-- {}: written by `make contracts` -->"
_END = "<!-- /{} -->"
_FORMATS = {"date-time": "time", "date": "date"}


def index(page: str, schemas: Mapping[str, Document], routes: Routes) -> str:
    """Return `docs/events.md` with its two tables: of the envelope's fields and of all events.

    Raises ValueError when the page does not say where they go.
    """
    envelope = next(iter(schemas.values()))
    page = _put(page, "envelope", list(_fields(envelope))[:-1])
    rows = _rows(list(routes), schemas, routes, "events/")
    return _put(page, "events", [*_table_head("event", "when", "read by"), *rows])


def pages(
    schemas: Mapping[str, Document], routes: Routes, samples: Mapping[str, Document]
) -> dict[str, str]:
    """Return the page of each publisher; all arguments are by event type."""
    return {
        service: _page(service, list(kinds), schemas, routes, samples)
        for service, kinds in groupby(routes, key=lambda kind: kind.partition(".")[0])
    }


def _page(
    service: str,
    kinds: Sequence[str],
    schemas: Mapping[str, Document],
    routes: Routes,
    samples: Mapping[str, Document],
) -> str:
    text = [
        f"# Events of {service}",
        "",
        "Written by `make contracts` from the code. [docs/events.md](../events.md) says how events",
        "travel and what is around `data`; the schemas are in",
        "[contracts/events](../../contracts/events).",
        "",
    ]
    for subject, group in groupby(kinds, key=_subject):
        text += _section(subject, list(group), schemas, routes, samples)
    return _lines(text[:-1])


def _section(
    subject: str,
    kinds: Sequence[str],
    schemas: Mapping[str, Document],
    routes: Routes,
    samples: Mapping[str, Document],
) -> Iterator[str]:
    """Give the lines about the events of one subject; those that carry the same share a table."""
    yield from (f"## {subject}", "")
    yield from _table_head("event", "when", "read by")
    yield from _rows(kinds, schemas, routes, None)
    yield ""
    for alike in _alike(kinds, schemas):
        if len(alike) < len(kinds):
            yield from ("### " + ", ".join(f"`{kind}`" for kind in alike), "")
        yield from _fields(schemas[alike[0]]["properties"]["data"])
        for name, definition in schemas[alike[0]].get("$defs", {}).items():
            if "properties" in definition:
                yield from (f"**{name}.** {definition['description']}", "")
                yield from _fields(definition)
        fullest = max(alike, key=lambda kind: _filled(samples[kind]["data"]))
        yield from (f"For example `data` of `{fullest}`:", "", "```json")
        yield json.dumps(samples[fullest]["data"], indent=2, ensure_ascii=False)
        yield from ("```", "")


def _alike(kinds: Sequence[str], schemas: Mapping[str, Document]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for kind in kinds:
        data = schemas[kind]["properties"]["data"]
        groups.setdefault(json.dumps(data["properties"]), []).append(kind)
    return list(groups.values())


def _filled(data: Document) -> int:
    return sum(value not in (None, []) for value in data.values())


def _fields(schema: Document) -> Iterator[str]:
    yield from _table_head("field", "type", "meaning")
    for name, field in schema["properties"].items():
        meaning = field["description"].replace("\n", " ")
        yield f"| `{name}` | {_type(field)} | {meaning} |"
    yield ""


def _type(field: Document) -> str:
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"])
    if "$ref" in field:
        return str(field["$ref"].rpartition("/")[2])
    if field["type"] == "array":
        item = _type(field["items"])
        return f"list of ({item})" if " or " in item else f"list of {item}"
    return _FORMATS.get(field.get("format", ""), str(field["type"]))


def _rows(
    kinds: Sequence[str], schemas: Mapping[str, Document], routes: Routes, folder: str | None
) -> Iterator[str]:
    for kind in kinds:
        name = f"`{kind}`"
        if folder is not None:
            page = f"{folder}{kind.partition('.')[0]}.md"
            name = f"[{name}]({page}#{_subject(kind).replace('.', '')})"
        when = schemas[kind]["description"]
        if schemas[kind]["properties"]["data"].get("deprecated"):
            when = f"**Deprecated.** {when}"
        yield f"| {name} | {when} | {', '.join(routes[kind])} |"


def _subject(kind: str) -> str:
    return ".".join(kind.split(".")[:2])


def _table_head(*names: str) -> tuple[str, str]:
    return f"| {' | '.join(names)} |", "|" + "---|" * len(names)


def _put(page: str, name: str, lines: Sequence[str]) -> str:
    """Replace what is between the markers of that name."""
    before, begin, rest = page.partition(_BEGIN.format(name))
    _, end, after = rest.partition(_END.format(name))
    if not begin or not end:
        markers = f"{_BEGIN.format(name)} and {_END.format(name)}"
        raise ValueError(f"docs/events.md has no place for a table: {markers}")
    return f"{before}{begin}\n{_lines(lines)}{end}{after}"


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
