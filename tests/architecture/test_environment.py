"""Every environment variable that a service reads is in its README's table."""

import importlib
import re
from pathlib import Path

import pytest

from common.settings import ServiceSettings


def _variables(settings: type[ServiceSettings]) -> set[str]:
    prefix = settings.model_config["env_prefix"]
    return {
        str(field.validation_alias or f"{prefix}{name}".upper())
        for name, field in settings.model_fields.items()
    }


def _documented(page: Path) -> set[str]:
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", page.read_text(), re.MULTILINE))


@pytest.mark.parametrize("service", ["auth", "catalog", "playlist", "media"])
def test_a_service_documents_what_it_reads(project_root: Path, service: str) -> None:
    module = importlib.import_module(f"{service}.settings")
    settings = getattr(module, f"{service.capitalize()}Settings")
    shared = {v for v in _variables(settings) if not v.startswith(f"{service.upper()}_")}
    own = _variables(settings) - shared
    readme = _documented(project_root / "services" / service / "README.md")
    operations = _documented(project_root / "docs" / "operations.md")
    assert own <= readme, f"missing in services/{service}/README.md"
    assert shared <= operations, "missing in docs/operations.md"
    unknown = {v for v in readme if v.startswith(f"{service.upper()}_")} - own
    assert unknown == set(), f"services/{service}/README.md names variables nobody reads"


def test_no_other_module_reads_the_environment(project_root: Path) -> None:
    reads = re.compile(r"os\.(environ|getenv)")
    allowed = {"bootstrap.py", "gunicorn.py", "migrate.py", "metrics.py"}
    # What only tests use.
    allowed |= {"mariadb.py", "mysql.py", "mysql_plugin.py"}
    # OpenTelemetry's own variables, before anything could be imported.
    allowed_package = project_root / "libs" / "common" / "common" / "__init__.py"
    for folder in ("libs/common/common", *(f"services/{s}/{s}" for s in _SERVICES)):
        for path in (project_root / folder).rglob("*.py"):
            if path.name not in allowed and path != allowed_package:
                assert not reads.search(path.read_text()), path


_SERVICES = ("auth", "catalog", "playlist", "media")
