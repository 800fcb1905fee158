"""What may differ between two gateways that serve the same route table."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork

from gateway.routes import Service

MIB = 1024 * 1024

# The longest a socket path may be on macOS (104 bytes with its end mark); Linux allows four more.
_LONGEST_SOCKET_PATH = 103
_TCP = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):(?P<port>[0-9]{1,5})")
# A Caddyfile reads braces as placeholders, and a backtick ends the quotes that paths stand in.
_UNQUOTABLE = re.compile(r"[`{}\x00-\x1f]")


def checked_text(text: str) -> str:
    """Return a text that can stand in a Caddyfile between backticks; ValueError otherwise."""
    if _UNQUOTABLE.search(text):
        raise ValueError(f"{text!r} has a brace, backtick or control character; rename it")
    return text


def checked_address(address: str) -> str:
    """Return `unix//absolute/path` or `host:port` as it is; ValueError for anything else."""
    if address.startswith("unix/"):
        path = address.removeprefix("unix/")
        if not path.startswith("/") or re.search(r"\s", path):
            raise ValueError(f"{address!r}: a socket is unix//absolute/path, without spaces")
        if len(path.encode()) > _LONGEST_SOCKET_PATH:
            raise ValueError(
                f"{path} is longer than {_LONGEST_SOCKET_PATH} bytes, too long for a socket; "
                "use a shorter folder"
            )
        return checked_text(address)
    match = _TCP.fullmatch(address)
    if match is None or not 0 < int(match["port"]) < 65_536:
        raise ValueError(f"{address!r} is neither unix//absolute/path nor host:port")
    return address


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError(f"{path} must be an absolute path")
    checked_text(str(path))
    return path


Address = Annotated[str, AfterValidator(checked_address)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]


class GatewayOptions(BaseModel):
    """How one gateway listens, limits, waits and logs; sizes in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    media_root: AbsolutePath
    listen: Address = "127.0.0.1:8080"
    # Holds the socket of the admin API, which reloads need; without it the API is off.
    state_dir: AbsolutePath | None = None
    # Networks of proxies in front that may say who their client is and that it came by TLS.
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    max_body_bytes: Mapping[Service, Annotated[int, Field(gt=0)]] = {"media": 1024 * MIB}
    default_max_body_bytes: int = Field(default=MIB, gt=0)
    # How long a request waits for a service that is down, so that a restart is not noticed.
    bridge_seconds: float = Field(default=5.0, gt=0)
    # How often each service is asked whether it is well; it is left out after two bad answers.
    health_interval_seconds: float = Field(default=1.0, gt=0)
    # How long requests under way may still take once the gateway was told to stop.
    grace_seconds: float = Field(default=5.0, gt=0)
    log_level: Literal["DEBUG", "INFO", "WARN", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    def body_limit(self, service: Service) -> int:
        """The most bytes a request to this service may carry."""
        return self.max_body_bytes.get(service, self.default_max_body_bytes)
