"""Terraform, its provider, and one deployment to the fake AWS for all tests."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import FrameType

import pytest

from harness.deployment import Deployment, deployed
from harness.inventory import Process
from harness.inventory import processes as processes_of
from harness.processes import Processes
from harness.terraform import changes
from harness.tools import Tools, ToolsMissing, find_tools

_MISSING = pytest.StashKey[str]()
_COUNTS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """End orderly when told to, as on Ctrl-C."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the deployment comes last, for it takes minutes to be there; then what ends it."""
    items.sort(key=lambda item: (_needs_deployment(item), bool(item.get_closest_marker("full"))))


def _needs_deployment(item: pytest.Item) -> bool:
    return "deployment" in getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Say last, after pytest's own summary, how much was done, or that nothing was."""
    yield
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    for line in session.config.stash.get(_COUNTS, []):
        reporter.line(line)
    if missing := session.config.stash.get(_MISSING, None):
        reporter.section("TERRAFORM WAS NOT TESTED", sep="!", red=True, bold=True)
        reporter.line(missing, red=True, bold=True)
        nothing = "Nothing was validated, planned or applied: of terraform/ only style was checked."
        reporter.line(nothing, red=True, bold=True)


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.close()


@pytest.fixture(scope="session")
def tools(pytestconfig: pytest.Config, processes: Processes) -> Tools:
    try:
        return find_tools(processes)
    except ToolsMissing as missing:
        pytestconfig.stash[_MISSING] = str(missing)
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def deploying(
    tools: Tools, processes: Processes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Future[Deployment]]:
    """The deployment under way, beside the tests that do not need it."""
    folder = tmp_path_factory.mktemp("deployment")
    pool = ThreadPoolExecutor(1)
    with ExitStack() as stack:
        yield pool.submit(lambda: stack.enter_context(deployed(tools, processes, folder)))
        processes.close()
        pool.shutdown()


@pytest.fixture(scope="session")
def count(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Have a line in the summary."""
    return pytestconfig.stash.setdefault(_COUNTS, []).append


@pytest.fixture(scope="session")
def deployment(deploying: Future[Deployment], count: Callable[[str], None]) -> Deployment:
    """Antiphon on the fake AWS."""
    deployment = deploying.result()
    count(
        f"dev: {len(changes(deployment.plan))} resources applied, "
        f"{len(changes(deployment.second_plan))} would change again"
    )
    return deployment


@pytest.fixture(scope="session", autouse=True)
def _begin(request: pytest.FixtureRequest) -> None:
    if any(_needs_deployment(item) for item in request.session.items):
        # Whoever needs terraform says so itself.
        with contextlib.suppress(pytest.skip.Exception):
            request.getfixturevalue("deploying")


@pytest.fixture(scope="session")
def running(deployment: Deployment) -> dict[str, Process]:
    """All that can run, by its short name."""
    return processes_of(deployment)


@pytest.fixture(scope="session")
def services(running: dict[str, Process]) -> dict[str, Process]:
    """What runs for ever."""
    return {name: process for name, process in running.items() if process.service}
