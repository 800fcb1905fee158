"""What catalog reads from the environment (table in the README)."""

from common.settings import ServiceSettings, prefixed


class CatalogSettings(ServiceSettings):
    """Settings of the catalog service."""

    model_config = prefixed("CATALOG_")

    public_read: bool = False
    """Whether published music may be read without a token."""
