"""Everything that `antiphon up` checks and makes before it becomes the supervisor."""

import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from antiphon.embedded import redis_server
from antiphon.embedded.folder import (
    CannotStartError,
    DataFolder,
    load_secrets,
    lock,
    open_folder,
    write_private,
)
from antiphon.embedded.gateway_process import check_port, gateway_process
from antiphon.embedded.redis_server import RedisUrls
from antiphon.embedded.run import DEMO_PENDING
from antiphon.embedded.services import (
    CONTRACTS,
    Installation,
    base_environment,
    check_settings,
    python,
    redis_process,
    service_processes,
)
from antiphon.supervisor.plan import Plan, Process
from antiphon.supervisor.terminal import Terminal

# macOS allows 104 bytes with the end mark; the longest name of a socket here is playlist.sock.
_LONGEST_RUN_DIR = 103 - len("/playlist.sock")


def up(data_dir: Path, port: int, *, demo: bool, verbose: bool) -> NoReturn:
    """Prepare, then become the supervisor; exits with code 1 and a clear line if it cannot."""
    os.umask(0o077)  # all that is written, by any process, is the user's own
    terminal = Terminal(sys.stdout)
    run_dir = None
    try:
        started_at = time.monotonic()
        folder = open_folder(data_dir)
        terminal.say(f"data folder: {folder.path}")
        holding = lock(folder, f"http://localhost:{port}")
        check_port(port)
        for remark in check_settings(os.environ):
            terminal.say(remark, "warning")
        if folder.is_new and demo:
            (folder.path / DEMO_PENDING).touch()
        run_dir = make_run_dir()
        installation, redis = _installation(folder, run_dir, port, terminal)
        write_private(folder.broker, installation.redis.broker)
        plan = _plan(installation, redis, demo=demo)
        plan = replace(plan, verbose=verbose, started_at=started_at)
        _become_supervisor(plan, holding)
    except CannotStartError as error:
        terminal.say(f"Antiphon could not start. {error}", "error")
        if run_dir:
            shutil.rmtree(run_dir)
        raise SystemExit(1) from None


def make_run_dir() -> str:
    """Make a private folder for sockets, with a path short enough for them."""
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) + len("/antiphon-12345678") > _LONGEST_RUN_DIR:
        parent = "/tmp"  # noqa: S108 -- mkdtemp makes a private folder in it
    try:
        return tempfile.mkdtemp(prefix="antiphon-", dir=parent)
    except OSError as error:
        raise CannotStartError(
            f"No folder for sockets can be made in {parent}: {error.strerror}. "
            "Name another one with TMPDIR."
        ) from error


def _installation(
    folder: DataFolder, run_dir: str, port: int, terminal: Terminal
) -> tuple[Installation, tuple[str, ...] | None]:
    """Return the installation, and the command of its private Redis unless one was given."""
    socket_path = f"{run_dir}/redis.sock"
    if given := os.environ.get("REDIS_URL"):
        urls, command = redis_server.given_urls(given), None
        redis_server.check_given(given)
        terminal.say("redis: the one that REDIS_URL names")
    else:
        engine = redis_server.find_engine()
        urls = RedisUrls(f"unix://{socket_path}?db=0", f"unix://{socket_path}?db=1")
        command = redis_server.command(engine, socket_path, redis_server.storage(folder, engine))
        terminal.say(f"redis: {engine}")
    secrets = load_secrets(folder)
    return Installation(
        folder, run_dir, _contracts(), port, urls, secrets, dict(os.environ)
    ), command


def _contracts() -> Path:
    if not (CONTRACTS / "subscribers.yaml").is_file():
        raise CannotStartError(
            f"{CONTRACTS / 'subscribers.yaml'} is missing: run Antiphon from a whole checkout."
        )
    return CONTRACTS


def _plan(installation: Installation, redis: tuple[str, ...] | None, *, demo: bool) -> Plan:
    folder = installation.folder
    processes = [*service_processes(installation), gateway_process(installation)]
    if redis:
        processes.insert(0, redis_process(redis, installation))
    # Nobody's own modules: some programs look for theirs in the folder they run in.
    processes = [replace(process, cwd=installation.run_dir) for process in processes]
    first_run = _demo(installation) if demo and (folder.path / DEMO_PENDING).exists() else None
    return Plan(
        tuple(processes), first_run, str(folder.path), installation.run_dir, installation.url, 0.0
    )


def _demo(installation: Installation) -> Process:
    return Process(
        "demo",
        python("antiphon", "demo"),
        {
            **base_environment(installation),
            "ANTIPHON_URL": installation.url,
            "ANTIPHON_DATA_DIR": str(installation.folder.path),
        },
        once=True,
        shown_level="info",
    )


def _become_supervisor(plan: Plan, lock_descriptor: int) -> NoReturn:
    # The supervisor stays for days: a fresh process has none of what was imported to prepare
    # it. The process id, the terminal and the lock stay as they are.
    plan_file = Path(plan.run_dir, "plan.json")
    write_private(plan_file, plan.to_json())
    os.set_inheritable(lock_descriptor, True)
    sys.stdout.flush()
    os.execv(sys.executable, [*python("antiphon.embedded.run"), str(plan_file)])  # noqa: S606
