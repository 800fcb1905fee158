"""All of Antiphon as `make run` starts it: what is printed works, nothing outlives the end."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WaitFor = Callable[[Callable[[], bool], str], None]


class Whole:
    """One `antiphon up --no-demo` and what it prints."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            self.port: int = trial.getsockname()[1]
        self.data = folder / "data"
        self._printed = folder / "printed.txt"
        self.start()

    def start(self) -> None:
        arguments = ["--no-demo", "--port", str(self.port), "--data-dir", str(self.data)]
        with self._printed.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "antiphon", "up", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        return self._printed.read_text()

    @property
    def commands(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.startswith(("curl ", "AUTH="))]

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.text
        return "Ctrl-C stops everything" in self.text

    def pids(self) -> dict[str, int]:
        status = json.loads((self.data / "status.json").read_text())
        return {name: known["pid"] for name, known in status["processes"].items()}

    def status_of(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.fixture
def whole(tmp_path: Path, wait_for: WaitFor) -> Iterator[Whole]:
    started = Whole(tmp_path)
    try:
        wait_for(started.is_up, "Antiphon is up")
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def test_printed_commands_work_and_ctrl_c_ends_all(
    whole: Whole, is_alive: Callable[[int], bool]
) -> None:
    script = "\n".join(["set -euo pipefail", *whole.commands])
    shell = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert shell.returncode == 0, shell.stdout + shell.stderr
    registered, profile = map(json.loads, shell.stdout.splitlines())
    assert profile["id"] == registered["id"]

    tree = _tree(whole.process.pid)
    assert len(tree) >= 15  # 9 + redis + gateway + guard + 4 gunicorn workers
    whole.process.send_signal(signal.SIGINT)

    assert whole.process.wait(30) == 0
    assert [pid for pid in tree if is_alive(pid)] == []
    assert re.search(r"killed|Traceback|warning", whole.text, re.IGNORECASE) is None


def test_killed_web_comes_back_and_killed_supervisor_leaves_nothing(
    whole: Whole, wait_for: WaitFor, is_alive: Callable[[int], bool]
) -> None:
    assert whole.status_of("/.well-known/jwks.json") == 200
    os.kill(whole.pids()["auth.web"], signal.SIGKILL)
    wait_for(lambda: "auth.web is up again" in whole.text, "auth.web is up again")
    assert whole.status_of("/.well-known/jwks.json") == 200
    tree = _tree(whole.process.pid)

    whole.process.kill()

    wait_for(lambda: not any(is_alive(pid) for pid in tree), "every process gone")
    whole.process.wait()
    whole.start()
    wait_for(whole.is_up, "Antiphon is up again on the same data")


def test_administrator_made_at_the_machine_can_log_in(whole: Whole) -> None:
    arguments = ["--email", "root@example.org", "--username", "root", "--password-stdin"]
    made = subprocess.run(
        [sys.executable, "-m", "antiphon", "admin", "create", *arguments],
        env={**os.environ, "ANTIPHON_DATA_DIR": str(whole.data)},
        input="a long password\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr

    form = b"grant_type=password&username=root&password=a+long+password"
    url = f"http://127.0.0.1:{whole.port}/api/v1/auth/token"
    with urllib.request.urlopen(url, data=form) as answer:
        token = json.load(answer)["access_token"]
    request = urllib.request.Request(f"http://127.0.0.1:{whole.port}/api/v1/users/me")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request) as answer:
        assert "admin" in json.load(answer)["roles"]


def _tree(root: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    parents = {int(pid): int(ppid) for pid, ppid in map(str.split, listed.stdout.splitlines())}
    tree = [root]
    for member in tree:  # grows while it is walked
        tree += [pid for pid, ppid in parents.items() if ppid == member]
    return tree
