"""Which databases and which broker the commands look into."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from antiphon.embedded.folder import DataFolder, lock_holder
from antiphon.embedded.services import CONTRACTS, SERVICES

if TYPE_CHECKING:
    from common.db import Database


class NoSourceError(Exception):
    """There is nothing to look into; the message says what to name."""


@dataclass(frozen=True)
class Sources:
    """Each known service's schema, and the broker if its address is known."""

    urls: Mapping[str, str]
    broker_url: str | None
    contracts: Path
    origin: str

    @property
    def unknown(self) -> list[str]:
        """Services whose schema nobody named."""
        return [service for service in SERVICES if service not in self.urls]

    def only(self, service: str | None) -> list[str]:
        """Return the services to look into; raises NoSourceError for one that is not known."""
        if service is None:
            return list(self.urls)
        if service not in self.urls:
            raise NoSourceError(
                f"The database of {service!r} is not known here. Known: {', '.join(self.urls)}."
            )
        return [service]

    @contextmanager
    def database(self, service: str) -> Iterator["Database"]:
        """Open a service's schema; raises SQLAlchemyError when it is first used."""
        from common.db import Database

        database = Database(self.urls[service], pool_size=1)
        try:
            yield database
        finally:
            database.dispose()


def find_sources(data_dir: Path, environ: Mapping[str, str]) -> Sources:
    """Return what the environment names, else what is in the data folder; or NoSourceError."""
    named = {service: environ.get(_variable(service), "") for service in SERVICES}
    urls = {service: url for service, url in named.items() if url}
    contracts = Path(environ.get("CONTRACTS_DIR") or CONTRACTS)
    if urls:
        return Sources(urls, environ.get("BROKER_URL") or None, contracts, "the environment")
    folder = DataFolder(data_dir.expanduser().absolute())
    found = [service for service in SERVICES if (folder.path / f"{service}.db").is_file()]
    if folder.is_new or not found:
        raise NoSourceError(
            f"There is no Antiphon in {folder.path}: name its folder with --data-dir, or its "
            f"databases with {', '.join(map(_variable, SERVICES))} and its broker with BROKER_URL."
        )
    urls = {service: folder.database_url(service) for service in found}
    return Sources(urls, _broker_of(folder), contracts, str(folder.path))


def _broker_of(folder: DataFolder) -> str | None:
    """Return the broker of a folder in which Antiphon runs."""
    if lock_holder(folder) is None or not folder.broker.exists():
        return None
    return folder.broker.read_text()


def _variable(service: str) -> str:
    return f"{service.upper()}_DATABASE_URL"
