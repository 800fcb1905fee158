"""The route table: which path prefix belongs to which service."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

Service = Literal["auth", "catalog", "playlist", "media"]
SERVICES: tuple[Service, ...] = get_args(Service)

# The table of the repository this package is installed from.
DEFAULT_ROUTES = Path(__file__).parent.parent / "routes.yaml"

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
# These describe one process; a caller from outside must reach none of them.
_INTERNAL = ("/healthz", "/readyz", "/metrics")


class RouteTableError(ValueError):
    """The route table, or what is rendered from it, cannot be used; the text says why."""


def _checked_prefix(prefix: str) -> str:
    segments = prefix.split("/")
    if not _PREFIX.fullmatch(prefix) or "." in segments or ".." in segments:
        raise ValueError(
            f"bad prefix {prefix!r}: write /segment/segment, of letters, digits and . _ ~ -, "
            "without a slash at the end and without * or ?"
        )
    if prefix in _INTERNAL:
        raise ValueError(f"{prefix} is internal to a service and is never routed")
    return prefix


class Route(BaseModel):
    """One prefix and the service that answers it; `priority` as an ALB rule has it (1-49999)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: Annotated[str, AfterValidator(_checked_prefix)]
    service: Service
    priority: int = Field(ge=1, le=49_999)

    def covers(self, path: str) -> bool:
        """Whether this route answers a decoded path (case and all)."""
        return path == self.prefix or path.startswith(f"{self.prefix}/")


class RouteTable(BaseModel):
    """All routes, lowest priority number first, which is the order they are asked in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    routes: tuple[Route, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> "RouteTable":
        _refuse_repeats("prefix", (route.prefix for route in self.routes))
        _refuse_repeats("priority", (route.priority for route in self.routes))
        ordered = tuple(sorted(self.routes, key=lambda route: route.priority))
        _refuse_unreachable(ordered)
        object.__setattr__(self, "routes", ordered)
        return self

    @property
    def services(self) -> tuple[Service, ...]:
        """The services that have at least one route, in a fixed order."""
        return tuple(name for name in SERVICES if any(r.service == name for r in self.routes))


def _refuse_repeats(field: str, values: Iterable[object]) -> None:
    repeated = [str(value) for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise ValueError(f"{field} {', '.join(repeated)} is used more than once; make it unique")


def _refuse_unreachable(ordered: tuple[Route, ...]) -> None:
    for position, route in enumerate(ordered):
        for earlier in ordered[:position]:
            if earlier.covers(route.prefix):
                raise ValueError(
                    f"{route.prefix} is never reached: {earlier.prefix} covers it and has the "
                    "lower priority number; give the longer prefix the lower one"
                )


def parse_routes(text: str, source: str = "routes.yaml") -> RouteTable:
    """Read a route table from YAML text; RouteTableError names every fault found."""
    try:
        return RouteTable.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise RouteTableError(f"{source} is not YAML: {error}") from error
    except ValidationError as error:
        raise RouteTableError(f"{source}: {_faults(error)}") from error


def _faults(error: ValidationError) -> str:
    faults = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"])
        faults.append(f"{place}: {fault['msg']}" if place else fault["msg"])
    return "; ".join(faults)


def load_routes(path: Path = DEFAULT_ROUTES) -> RouteTable:
    """Read the route table of a file; RouteTableError if it is missing or unsound."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RouteTableError(f"cannot read the route table {path}: {error.strerror}") from error
    return parse_routes(text, str(path))
