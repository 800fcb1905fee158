"""`python -m gateway`: print the Caddyfile."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from gateway.caddyfile import render
from gateway.options import GatewayOptions
from gateway.routes import DEFAULT_ROUTES, SERVICES, RouteTableError, Service, load_routes


def _for_service(text: str) -> tuple[Service, str]:
    name, separator, value = text.partition("=")
    for service in SERVICES:
        if name == service and separator and value:
            return service, value
    raise argparse.ArgumentTypeError(
        f"{text!r} is not SERVICE=VALUE with a service of {', '.join(SERVICES)}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    add = parser.add_argument
    add("--routes", type=Path, default=DEFAULT_ROUTES, help="the route table")
    add(
        "--upstream",
        type=_for_service,
        action="append",
        default=[],
        metavar="SERVICE=ADDRESS",
        help="unix//path or host:port; may be given several times for one service",
    )
    add("--media-root", required=True, help="folder of the files that media hands out")
    add("--listen", metavar="ADDRESS", help="host:port or unix//path")
    add("--state-dir", help="folder for the admin socket; without it the admin API is off")
    add(
        "--trusted-proxy",
        action="append",
        metavar="NETWORK",
        dest="trusted_proxies",
        help="address or network of a proxy in front; may be given several times",
    )
    add(
        "--max-body",
        type=_for_service,
        action="append",
        metavar="SERVICE=BYTES",
        dest="max_body_bytes",
        help="the largest request of a service",
    )
    add("--bridge-seconds", help="how long a request waits for a service that is down")
    add("--health-interval-seconds", help="how often each service is asked whether it is well")
    add("--grace-seconds", help="how long requests may take once told to stop")
    add("--log-level", help="DEBUG, INFO, WARN or ERROR")
    add("--log-format", help="json or console")
    return parser


def _grouped(pairs: Iterable[tuple[Service, str]]) -> dict[Service, list[str]]:
    grouped: dict[Service, list[str]] = {}
    for service, value in pairs:
        grouped.setdefault(service, []).append(value)
    return grouped


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the Caddyfile and return 0; else say what was wrong on stderr and return 2."""
    given = vars(_parser().parse_args(arguments))
    routes, upstreams = given.pop("routes"), _grouped(given.pop("upstream"))
    given = {name: value for name, value in given.items() if value is not None}
    if "max_body_bytes" in given:
        given["max_body_bytes"] = dict(given["max_body_bytes"])
    try:
        print(render(load_routes(routes), upstreams, GatewayOptions.model_validate(given)), end="")
    except (RouteTableError, ValidationError) as error:
        print(f"python -m gateway: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
