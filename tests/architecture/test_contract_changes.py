"""The check of contracts lets events grow and refuses all that would break a reader."""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schema_changes import breaking_changes, contract_changes

Schema = dict[str, Any]
Edit = Callable[[Schema], object]

KIND = "song.verse.sung.v1"
SCHEMA: Schema = {
    "title": KIND,
    "type": "object",
    "properties": {
        "type": {"type": "string", "const": KIND},
        "data": {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "at": {"type": "string", "format": "date-time"},
                "mood": {"type": "string", "enum": ["glad", "sad"]},
                "length": {"type": "integer", "minimum": 1, "maximum": 9},
                "weight": {"type": "number"},
                "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "key": {"type": ["string", "null"]},
                "singer": {"$ref": "#/$defs/Singer"},
                "second": {"anyOf": [{"$ref": "#/$defs/Singer"}, {"type": "null"}]},
                "choir": {"type": "array", "items": {"$ref": "#/$defs/Singer"}},
                "lines": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
            "required": ["id", "at", "note", "singer"],
        },
    },
    "required": ["type", "data"],
    "$defs": {
        "Singer": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 50},
                "teacher": {"anyOf": [{"$ref": "#/$defs/Singer"}, {"type": "null"}]},
            },
            "required": ["name"],
        }
    },
}


def _data(schema: Schema) -> Schema:
    data: Schema = schema["properties"]["data"]
    return data


def _field(name: str, **keywords: Any) -> Edit:
    """Return an edit that sets keywords of a field of `data`; None takes one away."""

    def edit(schema: Schema) -> None:
        field = _data(schema)["properties"][name]
        field.update(keywords)
        for keyword in [keyword for keyword, value in keywords.items() if value is None]:
            del field[keyword]

    return edit


def _singer(schema: Schema) -> Schema:
    singer: Schema = schema["$defs"]["Singer"]
    return singer


def _edited(*edits: Edit) -> Schema:
    schema = copy.deepcopy(SCHEMA)
    for edit in edits:
        edit(schema)
    return schema


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda s: _data(s)["properties"].pop("mood"), "data.mood was removed"),
        (lambda s: _data(s)["required"].remove("at"), "data.at may now be absent"),
        (lambda s: s["required"].remove("data"), "data may now be absent"),
        (_field("id", type="integer"), "data.id may now be integer (was: string)"),
        (_field("id", type=None), "data.id may now be anything (was: string)"),
        (_field("id", type=["string", "null"]), "data.id may now be null (was: string)"),
        (
            _field("id", type=None, anyOf=[{"type": "string"}, {"type": "null"}]),
            "data.id may now be null (was: string)",
        ),
        (
            _field("note", anyOf=[{"type": "string"}, {"type": "null"}, {"type": "integer"}]),
            "data.note may now be integer (was: string or null)",
        ),
        (_field("length", type="number"), "data.length may now be number (was: integer)"),
        (_field("at", format=None), "data.at changed its format from date-time to none"),
        (_field("at", format="date"), "data.at changed its format from date-time to date"),
        (
            _field("mood", enum=["glad", "sad", "wry"]),
            "data.mood may now be ['wry'] (was one of ['glad', 'sad'])",
        ),
        (_field("mood", enum=None), "data.mood may now be anything (was one of ['glad', 'sad'])"),
        (
            lambda s: s["properties"]["type"].update(const="song.verse.sung.v2"),
            "type may now be ['song.verse.sung.v2'] (was one of ['song.verse.sung.v1'])",
        ),
        (_field("length", minimum=0), "data.length changed its minimum from 1 to 0"),
        (_field("length", maximum=None), "data.length changed its maximum from 9 to none"),
        (lambda s: _singer(s)["required"].clear(), "data.singer.name may now be absent"),
        (lambda s: _singer(s)["properties"].pop("name"), "data.choir[].name was removed"),
        (
            lambda s: _singer(s)["properties"]["name"].update(maxLength=60),
            "data.second.name changed its maxLength from 50 to 60",
        ),
        (
            lambda s: _singer(s)["properties"]["teacher"].update(anyOf=[{"type": "string"}]),
            "data.singer.teacher may now be string (was: object or null)",
        ),
        (_field("choir", items={"type": "string"}), "data.choir[] may now be string (was: object)"),
        (
            _field("lines", additionalProperties={"type": "string"}),
            "data.lines.* may now be string (was: integer)",
        ),
        (
            lambda s: _data(s).update(additionalProperties=False),
            "data changed what other fields it may have (additionalProperties)",
        ),
        (
            _field("id", **{"not": {"const": "x"}}),
            "data.id changed its `not`, which this check cannot judge",
        ),
    ],
)
def test_what_breaks_a_reader_is_refused(edit: Edit, said: str) -> None:
    assert said in breaking_changes(SCHEMA, _edited(edit))


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: None,
        lambda s: _data(s)["properties"].update(later={"type": "string"}),
        lambda s: (
            _data(s)["properties"].update(later={"type": "string"}),
            _data(s)["required"].append("later"),
        ),
        lambda s: _singer(s)["properties"].update(voice={"type": "string"}),
        lambda s: s.update(description="Better words."),
        _field("id", title="Id", description="Whose.", deprecated=True),
        lambda s: _data(s)["required"].append("mood"),
        _field("mood", enum=["glad"]),
        _field("note", anyOf=[{"type": "string"}]),
        _field("note", anyOf=None, type="string"),
        _field("note", anyOf=None, type=["null", "string"]),
        _field("key", type=None, anyOf=[{"type": "null"}, {"type": "string"}]),
        _field("weight", type="integer"),
        _field("length", minimum=2, maximum=8),
        _field("id", format="uuid", minLength=36, pattern="^0"),
        lambda s: _rename_singer(s),
    ],
)
def test_what_only_grows_or_narrows_is_allowed(edit: Edit) -> None:
    assert breaking_changes(SCHEMA, _edited(edit)) == []


def _rename_singer(schema: Schema) -> None:
    schema["$defs"]["Voice"] = schema["$defs"]["Singer"]
    _data(schema)["properties"]["singer"] = {"$ref": "#/$defs/Voice"}


def test_an_event_type_stays_until_it_was_deprecated() -> None:
    routes = {KIND: ["external"]}
    assert contract_changes({}, {KIND: SCHEMA}, routes) == []
    assert contract_changes({KIND: SCHEMA}, {}, {}) == [
        f"{KIND} was removed without having been deprecated."
    ]
    deprecated = _edited(lambda s: _data(s).update(deprecated=True))
    assert contract_changes({KIND: deprecated}, {}, {}) == []


def test_an_event_type_keeps_a_reader() -> None:
    unread: tuple[dict[str, list[str]], ...] = ({}, {KIND: []})
    for routes in unread:
        (change,) = contract_changes({KIND: SCHEMA}, {KIND: SCHEMA}, routes)
        assert "`external`" in change


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit, of one event type."""
    if shutil.which("git") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("git is not installed")
    folder = tmp_path / "project" / "contracts"
    (folder / "events").mkdir(parents=True)
    (folder / "subscribers.yaml").write_text(f"{KIND}: [external]\n")
    _publish(folder, SCHEMA)
    _git(folder, "init", "--quiet")
    _commit(folder)
    return folder


def _publish(folder: Path, schema: Schema, kind: str = KIND) -> None:
    (folder / "events" / f"{kind}.json").write_text(json.dumps(schema))


def _git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def _commit(folder: Path) -> None:
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "x")


def _check(
    project_root: Path, folder: Path, *arguments: str, **environment: str
) -> tuple[int, str]:
    script = project_root / "contracts" / "compatibility.py"
    command = [sys.executable, str(script), "--contracts", str(folder), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment or None
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_a_change_is_refused_before_and_after_it_is_committed(
    project_root: Path, checkout: Path
) -> None:
    _publish(checkout, _edited(lambda s: _data(s)["properties"].pop("mood")))
    code, said = _check(project_root, checkout)
    assert code == 1
    assert said.startswith(f"Compared with HEAD:\n{KIND}: data.mood was removed\n")
    assert ".v2" in said
    _commit(checkout)
    code, said = _check(project_root, checkout)
    assert code == 1
    assert said.startswith(f"Compared with HEAD~1:\n{KIND}: data.mood was removed\n")
    # Now it is history, and another commit stands on it.
    _publish(checkout, SCHEMA, "song.verse.hummed.v1")
    _commit(checkout)
    assert _check(project_root, checkout)[0] == 0
    code, said = _check(project_root, checkout, "--against", "HEAD~2")
    assert (code, "data.mood was removed" in said) == (1, True)


def test_a_new_type_and_a_new_field_are_fine(project_root: Path, checkout: Path) -> None:
    _publish(checkout, SCHEMA, "song.verse.hummed.v1")
    _publish(checkout, _edited(lambda s: _data(s)["properties"].update(later={})))
    expected = (0, "Event contracts only grew since HEAD.\n")
    assert _check(project_root, checkout) == expected


def test_a_removed_file_is_refused(project_root: Path, checkout: Path) -> None:
    (checkout / "events" / f"{KIND}.json").unlink()
    code, said = _check(project_root, checkout)
    assert (code, f"{KIND} was removed" in said) == (1, True)


def test_without_history_it_says_so(project_root: Path, checkout: Path, tmp_path: Path) -> None:
    assert "but one commit" in _check(project_root, checkout)[1]

    _commit_something(checkout)
    origin = f"file://{checkout.parent / 'contracts'}"
    shallow = tmp_path / "shallow"
    _git(tmp_path, "clone", "--quiet", "--depth=1", origin, str(shallow))
    code, said = _check(project_root, shallow)
    assert (code, "shallow" in said, "NOT compared" in said) == (0, True, True)

    tarball = tmp_path / "tarball"
    shutil.copytree(checkout, tarball, ignore=shutil.ignore_patterns(".git"))
    expected = "Event contracts were NOT compared with earlier ones: this is no git checkout.\n"
    assert _check(project_root, tarball) == (0, expected)
    assert "git is not installed" in _check(project_root, checkout, PATH=str(tmp_path))[1]


def _commit_something(folder: Path) -> None:
    (folder / "notes").write_text("x")
    _commit(folder)


def test_a_revision_that_is_not_there_is_an_error(project_root: Path, checkout: Path) -> None:
    code, said = _check(project_root, checkout, "--against", "nowhere")
    assert (code, "nowhere" in said) == (1, True)
