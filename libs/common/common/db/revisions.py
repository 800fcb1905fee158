"""Which migration a service's code expects, without the weight of Alembic."""

import importlib.util
from functools import cache
from pathlib import Path


def migrations_folder(service: str) -> Path:
    """Return where the service keeps its migrations: inside its package, or beside it."""
    spec = importlib.util.find_spec(service)
    if spec is None or spec.origin is None:
        raise SystemExit(f"There is no service named {service!r} in this environment.")
    package = Path(spec.origin).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


@cache
def newest_revision(service: str) -> str:
    """Return the number of the service's newest migration: they are named `0001_…`, `0002_…`."""
    scripts = sorted((migrations_folder(service) / "versions").glob("[0-9]*.py"))
    return scripts[-1].name.partition("_")[0]
