"""The route table as a Caddyfile."""

from collections.abc import Mapping, Sequence
from importlib import resources
from string import Template

from gateway.options import GatewayOptions, checked_address
from gateway.routes import RouteTable, RouteTableError, Service

# The only service that may have the gateway send a file of its folder.
_FILE_SERVICE: Service = "media"
# After the last byte of a request: media then still takes an upload to where it keeps files.
_ANSWER_SECONDS: Mapping[Service, int] = {"media": 600}
_DEFAULT_ANSWER_SECONDS = 60


class _CaddyTemplate(Template):
    # Caddy's own syntax is full of $ and braces; %{name} is free.
    delimiter = "%"


def render(
    routes: RouteTable, upstreams: Mapping[Service, Sequence[str]], options: GatewayOptions
) -> str:
    """Return the Caddyfile; RouteTableError if a routed service has no usable upstream."""
    site, bind = _site(options.listen)
    return _fill(
        "Caddyfile.template",
        admin=_admin(options),
        bind=bind,
        bridge=_milliseconds(options.bridge_seconds),
        grace=_milliseconds(options.grace_seconds),
        health_interval=_milliseconds(options.health_interval_seconds),
        log_format=options.log_format,
        log_level=options.log_level,
        media_root=_quoted(str(options.media_root)),
        routes="\n".join(_route_line(route.prefix, route.service) for route in routes.routes),
        services="\n\n".join(
            _service_block(name, _addresses(name, upstreams), options.body_limit(name))
            for name in routes.services
        ),
        site=site,
        **_trust(options),
    )


def _fill(template: str, **values: object) -> str:
    text = resources.files("gateway").joinpath("templates", template).read_text(encoding="utf-8")
    return _CaddyTemplate(text).substitute(values)


def _site(listen: str) -> tuple[str, str]:
    # The host goes into `bind` only: in the site's name it would be a condition on Host.
    if listen.startswith("unix/"):
        return "http://", _quoted(listen)
    host, port = listen.rsplit(":", 1)
    return f"http://:{port}", host


def _admin(options: GatewayOptions) -> str:
    if options.state_dir is None:
        return "off"
    return _quoted(checked_address(f"unix/{options.state_dir / 'admin.sock'}"))


def _trust(options: GatewayOptions) -> dict[str, str]:
    if not options.trusted_proxies:
        return {"trusted_proxies": "", "forget_forwarded": "request_header -X-Forwarded-*"}
    networks = " ".join(str(network) for network in options.trusted_proxies)
    return {
        # Strict: of several addresses the last that is no proxy's is the client's.
        "trusted_proxies": f"\n\t\ttrusted_proxies static {networks}\n\t\ttrusted_proxies_strict",
        "forget_forwarded": (
            f"@stranger not remote_ip {networks}\n\trequest_header @stranger -X-Forwarded-*"
        ),
    }


def _route_line(prefix: str, service: Service) -> str:
    # A dot is all that a prefix may hold and a regular expression reads otherwise.
    pattern = prefix.replace(".", r"\.")
    return f"\t\t~^{pattern}(?:/|$) {service}"


def _service_block(service: Service, addresses: Sequence[str], limit: int) -> str:
    return _fill(
        "service.template",
        addresses=" ".join(addresses),
        answer=f"{_ANSWER_SECONDS.get(service, _DEFAULT_ANSWER_SECONDS)}s",
        backend="file_backend" if service == _FILE_SERVICE else "backend",
        limit=limit,
        service=service,
    ).rstrip("\n")


def _addresses(service: Service, upstreams: Mapping[Service, Sequence[str]]) -> list[str]:
    addresses = upstreams.get(service, ())
    if not addresses:
        raise RouteTableError(f"{service} has routes but no upstream; give at least one address")
    try:
        return [_quoted(checked_address(address)) for address in addresses]
    except ValueError as error:
        raise RouteTableError(f"upstream of {service}: {error}") from error


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"


def _quoted(text: str) -> str:
    return f"`{text}`"
