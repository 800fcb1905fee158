"""The whole plan under the supervisor: real Redis and gateway, stand-ins for the services."""

import os
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
import redis

from antiphon.embedded import redis_server
from antiphon.embedded.folder import load_secrets, open_folder
from antiphon.embedded.gateway_process import gateway_process
from antiphon.embedded.redis_server import RedisUrls
from antiphon.embedded.services import CONTRACTS, Installation, redis_process, service_processes
from antiphon.supervisor.plan import Process

# Ready only after a while, like the real ones; says what it was asked.
WEB = """
import http.server, os, socketserver, time
ready_at = time.monotonic() + 0.5
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self): return "socket"
    def do_GET(self):
        late = self.path == "/readyz" and time.monotonic() < ready_at
        body = f"{os.environ['WEB_BIND'].rpartition('/')[2]} {self.path}".encode()
        self.send_response(503 if late else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer): pass
Server(os.environ["WEB_BIND"].removeprefix("unix:"), Handler).serve_forever()
"""
WORKER = "import time\nprint('worker_started celery@here ready', flush=True)\ntime.sleep(600)\n"
STEP = "print('done')\n"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    folder = open_folder(tmp_path)
    run_dir = tempfile.mkdtemp(prefix="antiphon-test-")
    socket_path = f"{run_dir}/redis.sock"
    urls = RedisUrls(f"unix://{socket_path}?db=0", f"unix://{socket_path}?db=1")
    environ = {"PATH": os.environ["PATH"]}
    yield Installation(
        folder, run_dir, CONTRACTS, _free_port(), urls, load_secrets(folder), environ
    )
    rmtree(run_dir, ignore_errors=True)


@pytest.fixture
def processes(installation: Installation) -> list[Process]:
    engine = redis_server.find_engine()
    command = redis_server.command(
        engine,
        installation.socket("redis"),
        redis_server.storage(installation.folder, engine),
    )
    stand_ins = [_stand_in(process) for process in service_processes(installation)]
    return [redis_process(command, installation), *stand_ins, gateway_process(installation)]


def _stand_in(process: Process) -> Process:
    source = STEP if process.once else WEB if process.name.endswith(".web") else WORKER
    return replace(process, argv=(sys.executable, "-u", "-c", source))


def test_runs_all_behind_the_gateway(
    start_run: Callable[..., Any], installation: Installation, processes: list[Process]
) -> None:
    run = start_run(*processes, run_dir=installation.run_dir, url=installation.url)
    run.wait_for_line("ready in")

    for path, service in (("/api/v1/users/me", "auth"), ("/api/v1/tracks", "catalog")):
        url = f"http://127.0.0.1:{installation.port}{path}"
        with urllib.request.urlopen(url) as answer:
            assert answer.read().decode() == f"{service}.sock {path}"
    assert set(run.pids()) == {process.name for process in processes if not process.once}
    order = [run.text.index(name) for name in ("redis", "auth.web", "up: gateway", "ready in")]
    assert order == sorted(order)
    assert run.stop() == 0


def test_listens_on_this_machine_only(
    start_run: Callable[..., Any], installation: Installation, processes: list[Process]
) -> None:
    run = start_run(*processes, run_dir=installation.run_dir)
    run.wait_for_line("ready in")

    with socket.socket() as other:
        # The same port of another address of this machine is still free.
        other.bind(("127.0.0.2", installation.port))
    assert Path(installation.socket("redis")).stat().st_mode & 0o077 == 0
    assert run.stop() == 0


def test_kill_9_leaves_neither_gateway_nor_redis(
    start_run: Callable[..., Any],
    installation: Installation,
    processes: list[Process],
    is_alive: Callable[[int], bool],
    wait_for: Callable[[Callable[[], bool], str], None],
) -> None:
    run = start_run(*processes, run_dir=installation.run_dir)
    run.wait_for_line("ready in")
    pids = run.pids().values()

    run.process.kill()

    wait_for(lambda: not any(is_alive(pid) for pid in pids), "all gone")


def test_redis_keeps_what_it_was_given_over_a_restart(
    start_run: Callable[..., Any], installation: Installation, processes: list[Process]
) -> None:
    only_redis = processes[0]
    run = start_run(only_redis, run_dir=installation.run_dir)
    run.wait_for_line("ready in")
    with redis.Redis(unix_socket_path=installation.socket("redis")) as client:
        client.set("kept", "yes")
    assert run.stop() == 0
    Path(installation.run_dir).mkdir(mode=0o700)  # the run took its folder away

    run = start_run(only_redis, run_dir=installation.run_dir)
    run.wait_for_line("ready in")

    with redis.Redis(unix_socket_path=installation.socket("redis")) as client:
        assert client.get("kept") == b"yes"
    assert run.stop() == 0


def test_demo_runs_once_after_everything_is_up(
    start_run: Callable[..., Any], python: Callable[..., Process], tmp_path: Path
) -> None:
    pending = tmp_path / "demo.pending"
    pending.touch()
    demo = python("demo", "print('made it')\n", once=True, shown_level="info")

    run = start_run(python("a.web", WORKER), first_run=demo)
    run.wait_for_line("Documentation: ")

    assert run.text.index("ready in") < run.text.index("demo             | made it")
    assert not pending.exists()
    assert run.stop() == 0


def test_failed_demo_does_not_stop_antiphon(
    start_run: Callable[..., Any], python: Callable[..., Process], tmp_path: Path
) -> None:
    pending = tmp_path / "demo.pending"
    pending.touch()
    demo = python("demo", "raise SystemExit('no ffmpeg')\n", once=True, shown_level="info")

    run = start_run(python("a.web", WORKER), first_run=demo)
    run.wait_for_line("Documentation: ")

    assert "no ffmpeg" in run.text
    assert "The demo did not finish" in run.text
    assert pending.exists()
    assert run.stop() == 0


def test_ctrl_c_during_the_demo_stops_all(
    start_run: Callable[..., Any],
    python: Callable[..., Process],
    is_alive: Callable[[int], bool],
    wait_for: Callable[[Callable[[], bool], str], None],
) -> None:
    run = start_run(python("a.web", WORKER), first_run=python("demo", WORKER, once=True))
    run.wait_for_line("first run")
    wait_for(lambda: "demo" in run.pids(), "the demo's process id")
    pids = run.pids()

    assert run.stop() == 0

    assert not any(is_alive(pid) for pid in pids.values())


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
