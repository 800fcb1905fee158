"""What in a schema's change would break those who read by the old one.

Readers rely on what a producer promised. A change is additive when all that the new schema allows
was allowed before, but for fields nobody knew: then whoever read the old events reads the new ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Document = dict[str, Any]

_ANNOTATIONS = {
    "$id", "$schema", "$comment", "$defs", "title", "description", "default", "examples",
    "deprecated", "readOnly", "writeOnly",
}  # fmt: skip
_LOWEST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_HIGHEST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("format", "pattern", "multipleOf", "uniqueItems", "contentEncoding", "contentMediaType")
_COMPARED = {
    "type", "const", "enum", "properties", "required", "additionalProperties", "items", "anyOf",
    "oneOf", *_LOWEST, *_HIGHEST, *_EXACT,
}  # fmt: skip


def contract_changes(
    old: Mapping[str, Document], new: Mapping[str, Document], routes: Mapping[str, Sequence[str]]
) -> list[str]:
    """Say what breaks between two sets of schemas by event type; `routes` are the new ones."""
    found: list[str] = []
    for kind, schema in sorted(old.items()):
        if kind not in new:
            if not schema["properties"]["data"].get("deprecated"):
                found.append(f"{kind} was removed without having been deprecated.")
        elif not routes.get(kind):
            found.append(f"{kind} goes to nobody: name its readers, or `external`.")
        else:
            found += [f"{kind}: {change}" for change in breaking_changes(schema, new[kind])]
    return found


def breaking_changes(old: Document, new: Document) -> list[str]:
    """Say what in `new` breaks readers of `old`, such as `data.title was removed`."""
    return list(_Comparison(old, new).compare(old, new, ""))


class _Comparison:
    """Two schemas with the definitions that they refer to."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new
        self._under_way: set[tuple[str, str]] = set()

    def compare(self, old: Document, new: Document, path: str) -> Iterator[str]:
        """Give what breaks at `path` and below."""
        pair = repr(old), repr(new)
        if pair in self._under_way:
            return  # a definition that contains itself
        self._under_way.add(pair)
        before, after = _choices(self._old, old), _choices(self._new, new)
        for choice in after:
            yield from self._compare_choice(before, choice, path or "the event")
        self._under_way.discard(pair)

    def _compare_choice(self, before: list[Document], choice: Document, path: str) -> Iterator[str]:
        """Compare with the old choice that it resembles most."""
        alike = [old for old in before if _type_fits(old, choice)]
        if not alike:
            was = " or ".join(_name(old) for old in before)
            yield f"{path} may now be {_name(choice)} (was: {was})"
            return
        differences = [list(self._compare_plain(old, choice, path)) for old in alike]
        yield from min(differences, key=len)

    def _compare_plain(self, old: Document, new: Document, path: str) -> Iterator[str]:
        yield from _compare_values(old, new, path)
        yield from _compare_limits(old, new, path)
        yield from self._compare_properties(old, new, path)
        if "items" in old:
            yield from self.compare(old["items"], new.get("items", {}), f"{path}[]")
        for keyword in sorted((old.keys() | new.keys()) - _COMPARED - _ANNOTATIONS):
            if old.get(keyword) != new.get(keyword):
                yield f"{path} changed its `{keyword}`, which this check cannot judge"

    def _compare_properties(self, old: Document, new: Document, path: str) -> Iterator[str]:
        inside = "" if path == "the event" else f"{path}."
        missing = set(old.get("required", ())) - set(new.get("required", ()))
        properties = new.get("properties", {})
        for name, field in old.get("properties", {}).items():
            if name not in properties:
                yield f"{inside}{name} was removed"
                continue
            if name in missing:
                yield f"{inside}{name} may now be absent"
            yield from self.compare(field, properties[name], f"{inside}{name}")
        others = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if all(isinstance(other, dict) for other in others):
            yield from self.compare(*others, f"{inside}*")
        elif others[0] != others[1]:
            yield f"{path} changed what other fields it may have (additionalProperties)"


def _compare_values(old: Document, new: Document, path: str) -> Iterator[str]:
    before, after = _values(old), _values(new)
    if before is None:
        return
    if after is None:
        yield f"{path} may now be anything (was one of {before})"
        return
    more = [value for value in after if value not in before]
    if more:
        # A reader that names each value it knows refuses the event with a new one.
        yield f"{path} may now be {more} (was one of {before})"


def _compare_limits(old: Document, new: Document, path: str) -> Iterator[str]:
    for keyword in (*_LOWEST, *_HIGHEST, *_EXACT):
        if keyword not in old or old[keyword] == new.get(keyword):
            continue
        was, now = old[keyword], new.get(keyword)
        raised = keyword in _LOWEST and now is not None and now > was
        lowered = keyword in _HIGHEST and now is not None and now < was
        if not raised and not lowered:
            yield f"{path} changed its {keyword} from {was} to {'none' if now is None else now}"


def _values(schema: Document) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def _choices(root: Document, schema: Document) -> list[Document]:
    """Return the schema as its alternatives, references followed and lists of types taken apart."""
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _choices(root, {**target, **{k: v for k, v in schema.items() if k != "$ref"}})
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            rest = {name: value for name, value in schema.items() if name != keyword}
            nested = [_choices(root, {**rest, **choice}) for choice in schema[keyword]]
            return [choice for choices in nested for choice in choices]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": kind} for kind in schema["type"]]
    return [schema]


def _type_fits(old: Document, new: Document) -> bool:
    """Whether every value of the new type is one of the old: an integer is a number."""
    if "type" not in old:
        return True
    return new.get("type") == old["type"] or (old["type"], new.get("type")) == ("number", "integer")


def _name(schema: Document) -> str:
    return str(schema.get("type", "anything"))
