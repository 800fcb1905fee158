"""The shape of the tree: sizes, names, and what common may not know."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = ("auth", "catalog", "playlist", "media")
LONGEST_FILE = 300
LONGEST_FUNCTION = 50
MUSIC = re.compile(
    r"\b(track|album|artist|playlist|song|genre|lyric|audio|media|rendition|music|catalog)s?\b",
    re.IGNORECASE,
)


def _sources(root: Path) -> Iterator[Path]:
    folders = ["libs/common/common", "gateway/gateway", "cli/antiphon", "contracts"]
    folders += [f"services/{service}/{service}" for service in SERVICES]
    for folder in folders:
        yield from (root / folder).rglob("*.py")


def test_common_knows_nothing_of_music(project_root: Path) -> None:
    for path in (project_root / "libs" / "common" / "common").rglob("*.py"):
        # What HTTP calls a media type has nothing to do with the service of that name, and how to
        # run the migrations is best shown by naming services.
        code = re.sub(r"[Mm]edia.?[Tt]ype|common\.db\.migrate [^`]*`", "", path.read_text())
        assert MUSIC.findall(code) == [], path


def test_names_say_what_is_inside(project_root: Path) -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "misc"}
    for path in _sources(project_root):
        assert path.stem not in vague, path


def test_files_and_functions_stay_small(project_root: Path) -> None:
    for path in _sources(project_root):
        source = path.read_text()
        assert source.count("\n") <= LONGEST_FILE, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"{path}:{node.lineno} {node.name}"


def test_tests_are_no_packages(project_root: Path) -> None:
    for tests in project_root.glob("**/tests"):
        if not tests.relative_to(project_root).parts[0].startswith(".venv"):
            assert list(tests.rglob("__init__.py")) == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("process", "unwanted"),
    [("app", {"kombu", "celery", "opentelemetry"}), ("worker", {"gunicorn", "opentelemetry"})],
)
def test_a_process_imports_only_what_it_needs(
    service: str, process: str, unwanted: set[str]
) -> None:
    code = f"import sys, {service}.{process}; print(*(n for n, m in sys.modules.items() if m))"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(modules) & unwanted == set()
