"""The pages say what is there."""

import json
import re
from pathlib import Path

import pytest
import yaml

_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#[^)]*)?\)")


def _pages(root: Path) -> list[Path]:
    pages = ((page, page.relative_to(root).parts) for page in root.rglob("*.md"))
    # Hidden folders hold virtual environments.
    return [p for p, parts in pages if parts[0] != "data" and not any(x[0] == "." for x in parts)]


def test_links_inside_the_project_lead_somewhere(project_root: Path) -> None:
    broken = [
        f"{page.relative_to(project_root)} → {link}"
        for page in _pages(project_root)
        for link in _LINK.findall(page.read_text())
        if link and not (page.parent / link).exists()
    ]
    assert broken == []


def test_every_event_is_explained(project_root: Path, contracts_dir: Path) -> None:
    text = (project_root / "docs" / "events.md").read_text()
    for kind in yaml.safe_load((contracts_dir / "subscribers.yaml").read_text()):
        assert f"`{kind}`" in text, kind


def test_every_path_is_explained(project_root: Path, contracts_dir: Path) -> None:
    text = (project_root / "docs" / "api.md").read_text()
    for path in json.loads((contracts_dir / "openapi.json").read_text())["paths"]:
        assert f"`{path}`" in text, path


@pytest.mark.parametrize("folder", ["services", "libs"])
def test_every_test_folder_is_of_a_known_layer(project_root: Path, folder: str) -> None:
    # The last is no layer but what media's tests upload to.
    known = {"unit", "integration", "http", "contract", "cloudinary_standin"}
    for path in (project_root / folder).glob("*/tests/*/"):
        if path.is_dir() and path.name != "__pycache__":
            assert path.name in known, path
