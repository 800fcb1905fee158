"""Settings from the environment: shared names have no prefix, a service's own have its prefix."""

from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

S = TypeVar("S", bound="ServiceSettings")


def prefixed(prefix: str) -> SettingsConfigDict:
    """Return the configuration of a service's settings class, e.g. for `CATALOG_`."""
    return SettingsConfigDict(
        env_prefix=prefix, env_ignore_empty=True, extra="ignore", populate_by_name=True, frozen=True
    )


class ServiceSettings(BaseSettings):
    """What every service reads; a missing one without default stops the start."""

    model_config = prefixed("")

    database_url: str
    """SQLAlchemy URL of the service's own schema."""
    broker_url: str = Field(validation_alias="BROKER_URL")
    """Where the bus and Celery are: `redis://`, `rediss://`, `unix:///path?db=0` or `amqp://`."""
    cache_url: str = Field(validation_alias="CACHE_URL")
    """Redis for the cache and the relay's nudges: `redis://`, `rediss://`, `unix:///path?db=1`."""
    jwks_url: str = Field(validation_alias="JWKS_URL")
    token_issuer: str = Field(validation_alias="TOKEN_ISSUER")
    token_audience: str = Field("antiphon", validation_alias="TOKEN_AUDIENCE")
    contracts_dir: Path = Field(validation_alias="CONTRACTS_DIR")
    """Folder that holds `subscribers.yaml`."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), validation_alias="CORS_ORIGINS"
    )
    log_level: str = Field("INFO", validation_alias="LOG_LEVEL")
    log_format: Literal["json", "console"] = Field("json", validation_alias="LOG_FORMAT")
    resend_lease_seconds: float = Field(60.0, gt=0, validation_alias="RESEND_LEASE_SECONDS")
    """How long a published event waits for its acknowledgement before it is sent again."""

    metrics_bind: str | None = Field(None, validation_alias="METRICS_BIND")
    """`host:port` where processes other than the web's serve `/metrics` and `/healthz`."""
    cloudwatch_namespace: str | None = Field(
        None,
        validation_alias="CLOUDWATCH_NAMESPACE",
        pattern=r"^[A-Za-z0-9_.#/-][A-Za-z0-9_.#:/-]{0,254}$",
    )
    """Where in CloudWatch the metrics belong that workers write to stdout, in its own format."""

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value


def load(settings: type[S]) -> S:
    """Read a service's settings; stops the process with a clear list of what is wrong."""
    try:
        return settings()
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        wrong = [
            f"  {name if name.isupper() else f'{prefix}{name}'.upper()}: {item['msg']}"
            for item in error.errors()
            for name in [".".join(map(str, item["loc"]))]
        ]
        raise SystemExit(
            "\n".join(["The environment lacks something, or has something wrong:", *wrong])
        ) from None


def kombu_url(url: str) -> str:
    """Spell a Redis URL for kombu so that it means what it means to redis-py.

    kombu silently tries localhost for `unix://`, and no certificate is checked for `rediss://`.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query)
    if parts.scheme == "unix":
        database = options.get("db", ["0"])[0]
        return f"redis+socket://{parts.path}?virtual_host={database}"
    if parts.scheme == "rediss" and "ssl_cert_reqs" not in options:
        return f"{url}{'&' if options else '?'}ssl_cert_reqs=CERT_REQUIRED"
    return url
