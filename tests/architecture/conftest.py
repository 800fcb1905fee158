"""The four applications, built as their web processes build them."""

import importlib
import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SERVICES = ("auth", "catalog", "playlist", "media")


@pytest.fixture(scope="session")
def contracts_build(project_root: Path) -> ModuleType:
    """Return `contracts/build.py` as a module."""
    path = project_root / "contracts" / "build.py"
    spec = importlib.util.spec_from_file_location("contracts_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def apps(contracts_build: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return each service's Flask application."""
    with pytest.MonkeyPatch.context() as patch:
        # Only for the import: processes that other tests start must not inherit it.
        patch.setattr(os, "environ", os.environ.copy())
        contracts_build.set_environment(str(tmp_path_factory.mktemp("apps")))
        return {service: importlib.import_module(f"{service}.wsgi").app for service in SERVICES}
