"""All of Antiphon, as `make run` starts it, on a free port and an empty data folder."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from antiphon.ffmpeg import find_ffmpeg

_START_SECONDS = 60


@dataclass
class Suite:
    """A running `antiphon up`."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def pid_of(self, name: str) -> int:
        """Return the process id that `antiphon status` gives for a process."""
        status = run_antiphon("status", "--data-dir", str(self.folder)).stdout
        found = re.search(rf"{re.escape(name)}\D+(\d+)", status)
        assert found, status
        return int(found[1])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@dataclass
class Person:
    """A registered user with a session of their own."""

    suite: Suite
    username: str
    password: str
    http: requests.Session

    def call(self, method: str, path: str, **options: object) -> requests.Response:
        return self.http.request(method, self.suite.url + path, timeout=30, **options)  # type: ignore[arg-type]

    def get(self, path: str, **options: object) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: object) -> requests.Response:
        return self.call("POST", path, **options)

    def upload(self, path: Path, name: str | None = None) -> requests.Response:
        with path.open("rb") as file:
            return self.post("/api/v1/uploads", files={"file": (name or path.name, file)})

    def wait_for_upload(self, upload_id: str, seconds: float = 60) -> dict[str, object]:
        """Return the upload once it is published or failed."""
        deadline = time.monotonic() + seconds
        while True:
            upload: dict[str, object] = self.get(f"/api/v1/uploads/{upload_id}").json()
            if upload["status"] in ("published", "failed"):
                return upload
            assert time.monotonic() < deadline, upload
            time.sleep(0.2)


def run_antiphon(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "antiphon", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
        timeout=300,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_suite(folder: Path, port: int, *options: str, **environment: str) -> Suite:
    """Start `antiphon up` and wait until it says that it is ready."""
    where = (f"--data-dir={folder}", f"--port={port}")
    process = subprocess.Popen(
        [sys.executable, "-m", "antiphon", "up", "--no-demo", *where, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Every test registers people of its own, all from one address.
        env=os.environ
        | {"AUTH_REGISTER_RATE": "9999/minute", "AUTH_LOGIN_ADDRESS_RATE": "9999/minute"}
        | environment,
    )
    suite = Suite(folder, port, process)
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                suite.output.append(line)
                if "ready in" in line:
                    ready.set()

    threading.Thread(target=read, daemon=True).start()
    if not ready.wait(_START_SECONDS):
        process.kill()
        pytest.fail("Antiphon did not get ready:\n" + "".join(suite.output))
    return suite


@pytest.fixture(scope="session")
def suite() -> Iterator[Suite]:
    with tempfile.TemporaryDirectory(prefix="antiphon-e2e-") as folder:
        suite = start_suite(Path(folder), free_port())
        yield suite
        code = suite.stop()
        assert code == 0, "".join(suite.output[-40:])


@pytest.fixture(scope="session")
def start_antiphon() -> Callable[..., Suite]:
    """Return a function that starts another one, with an environment of its own."""

    def start(folder: Path, **environment: str) -> Suite:
        return start_suite(folder, free_port(), **environment)

    return start


@pytest.fixture
def make_person(suite: Suite) -> Iterator[Callable[[str], Person]]:
    made: list[Person] = []

    def make(username: str) -> Person:
        person = Person(suite, username, "a password for tests", requests.Session())
        made.append(person)
        account = {"email": f"{username}@example.org", "username": username}
        account["password"] = person.password
        person.post("/api/v1/auth/register", json=account).raise_for_status()
        form = {"grant_type": "password", "username": username, "password": person.password}
        token = person.post("/api/v1/auth/token", data=form).json()["access_token"]
        person.http.headers["Authorization"] = f"Bearer {token}"
        return person

    yield make
    for person in made:
        person.http.close()


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    return str(find_ffmpeg())


@pytest.fixture
def make_audio(ffmpeg: str, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a tagged tone: `make_audio("a.mp3", seconds=3, title=…)`."""

    def make(name: str, *, seconds: float = 3, hertz: int = 440, **tags: str) -> Path:
        path = tmp_path / name
        source = f"sine=frequency={hertz}:sample_rate=44100:duration={seconds}"
        metadata = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
        command = [ffmpeg, "-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source]
        subprocess.run([*command, "-ac", "2", *metadata, path], check=True, timeout=60)
        return path

    return make
