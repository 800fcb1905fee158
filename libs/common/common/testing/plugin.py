"""The pytest plugin: a real Redis, migrated schemas, tokens, and no network in unit tests."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_socket
import redis
from sqlalchemy import MetaData

import common
from common.auth.revocations import RevocationList
from common.auth.tokens import TokenVerifier
from common.cache import Cache
from common.db import Database
from common.events import Outbox, load_routes
from common.testing.contracts import only_valid_events, received_samples
from common.testing.schemas import MakeSchema
from common.testing.tokens import TestIssuer
from common.testing.valkey import start_valkey, stop

pytest_plugins = ("common.testing.mysql_plugin",)

MakeDatabase = Callable[..., Database]

# Services do without it (see `common`); a test that plays the collector reads its messages.
if sys.modules.get("opentelemetry", common) is None:
    del sys.modules["opentelemetry"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a service's contract test once for each golden sample routed to the service."""
    if "received_sample" in metafunc.fixturenames:
        root = metafunc.config.rootpath
        service = metafunc.definition.path.relative_to(root).parts[1]
        samples = received_samples(root / "contracts", service)
        metafunc.parametrize("received_sample", samples.values(), ids=samples.keys())


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block sockets in unit tests."""
    if "unit" in item.path.parts:
        item.add_marker("unit")
        pytest_socket.disable_socket()


def pytest_runtest_teardown() -> None:
    """Give sockets back."""
    pytest_socket.enable_socket()


@pytest.fixture(scope="session")
def project_root(pytestconfig: pytest.Config) -> Path:
    """Return the folder of the checkout."""
    return pytestconfig.rootpath


@pytest.fixture(scope="session")
def contracts_dir(project_root: Path) -> Path:
    """Return the folder of the event contracts."""
    return project_root / "contracts"


@pytest.fixture(scope="session")
def valkey_socket() -> Iterator[Path]:
    """Run a real Valkey of this test process's own; give its socket."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-"))
    process = start_valkey(folder)
    yield folder / "valkey.sock"
    stop(process)
    shutil.rmtree(folder)


@pytest.fixture
def broker_url(valkey_socket: Path) -> str:
    """Return the URL of an empty broker database."""
    return _emptied(f"unix://{valkey_socket}?db=0")


@pytest.fixture
def cache_url(valkey_socket: Path) -> str:
    """Return the URL of an empty cache database."""
    return _emptied(f"unix://{valkey_socket}?db=1")


@pytest.fixture
def make_database(make_schema: MakeSchema, contracts_dir: Path) -> Iterator[MakeDatabase]:
    """Return a function that gives a service a freshly migrated schema of its own.

    `tables` are made in it besides. Its sessions carry the outbox and what else is given. An event
    that breaks its contract fails the test, whichever outbox it is written to.
    """
    with ExitStack() as stack:
        stack.enter_context(only_valid_events(contracts_dir))

        def make(service: str, tables: MetaData | None = None, **carried: object) -> Database:
            outbox = Outbox(f"/{service}", load_routes(contracts_dir))
            url = make_schema(service, tables)
            database = Database(url, info={"outbox": outbox, **carried})
            stack.callback(database.dispose)
            return database

        yield make


@pytest.fixture(scope="session")
def issuer() -> TestIssuer:
    """Return a token issuer whose key only this test run knows."""
    return TestIssuer()


@pytest.fixture
def mint_token(issuer: TestIssuer) -> Callable[..., str]:
    """Return a function that makes access tokens: `mint_token(user_id=…, scopes=…, roles=…)`."""
    return issuer.mint


@pytest.fixture
def make_verifier(issuer: TestIssuer) -> Callable[[Database], TokenVerifier]:
    """Return a function that builds the verifier of a service under test."""

    def make(database: Database) -> TokenVerifier:
        return TokenVerifier(
            issuer,
            issuer=issuer.url,
            audience=issuer.audience,
            revocations=RevocationList(database),
        )

    return make


@pytest.fixture
def cache(cache_url: str) -> Cache:
    """Return a cache over an empty Redis database."""
    return Cache(cache_url, "test")


def _emptied(url: str) -> str:
    client: Any = redis.Redis.from_url(url)
    client.flushdb()
    client.close()
    return url
