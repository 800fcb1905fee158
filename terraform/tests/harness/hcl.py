"""The rules of HCL that terraform itself does not check."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2

MAX_LINES = 150
# All of a folder's variables are in one file, which is where people look for them.
MAX_VARIABLE_LINES = 250
_COMMENT = re.compile(r"^\s*(#|//).*$", re.MULTILINE)


def faults(folder: Path) -> list[str]:
    """Return what is wrong in a folder's *.tf, a line for each fault."""
    files = sorted(folder.glob("*.tf"))
    blocks = {file: hcl2.loads(file.read_text()) for file in files}
    code = "\n".join(_COMMENT.sub("", file.read_text()) for file in files)
    return [
        *_long(files),
        *(fault for content in blocks.values() for fault in _declarations(content)),
        *(fault for content in blocks.values() for fault in _unused(content, code)),
    ]


def _long(files: list[Path]) -> Iterator[str]:
    for file in files:
        lines = len(file.read_text().splitlines())
        limit = MAX_VARIABLE_LINES if file.name == "variables.tf" else MAX_LINES
        if lines > limit:
            yield f"{file.name} has {lines} lines, over {limit}: split it by topic"


def _named(content: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in content.get(kind, []):
        yield from block.items()


def _declarations(content: dict[str, Any]) -> Iterator[str]:
    for name, body in _named(content, "variable"):
        if "type" not in body or re.search(r"\bany\b", str(body["type"])):
            yield f"variable {name} has no type, or any"
        if not _text(body):
            yield f"variable {name} is not described"
    for name, body in _named(content, "output"):
        if not _text(body):
            yield f"output {name} is not described"


def _text(body: dict[str, Any]) -> str:
    description = body.get("description", "")
    return str(description[0] if isinstance(description, list) else description).strip('" ')


def _unused(content: dict[str, Any], code: str) -> Iterator[str]:
    # `each.value` and its like need no look: they are none without their for_each.
    for name, _ in _named(content, "variable"):
        body = re.sub(rf'variable "{name}" {{.*?\n}}\n', "", code, flags=re.DOTALL)
        if not re.search(rf"\bvar\.{name}\b", body):
            yield f"variable {name} is not used"
    for block in content.get("locals", []):
        for name in (key for key in block if not key.startswith("__")):
            if not re.search(rf"\blocal\.{name}\b", code):
                yield f"local {name} is not used"
    for block in content.get("data", []):
        for kind, named in block.items():
            for name in named:
                if not re.search(rf"\bdata\.{kind}\.{name}\b", code):
                    yield f"data {kind}.{name} is not used"
