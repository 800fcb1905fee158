"""What a request costs each container: `python -m tests.containers.capacity`.

Starts the stack if it does not run, adds a person with one track and asks for each thing in turn,
without a pause, for some seconds. Processor time is what Docker counted for the containers in that
time, less what they take when nobody asks for anything. So it holds on a busy machine, too; answers
a second, and how long they took, do not. Prints Markdown.
Ends with 1 if an answer was not the expected one.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from uuid import uuid4

import docker
import requests
from tests.containers.stack import URL, Stack

from antiphon.ffmpeg import find_ffmpeg
from gateway.testing.load import Load, Outcome, Request

_PASSWORD = "a password for tests"
_TIMEOUT_SECONDS = 30
_SETTLE_SECONDS = 2.0
_IDLE_SECONDS = 20.0
_RANGE_BYTES = 64 * 1024
_SOUND_SECONDS = 240
_COLUMNS = ("auth", "catalog", "playlist", "media", "worker", "gateway", "mysql", "redis")
"""What containers are counted as: a service's web under its name, all four workers as one."""


class Processors:
    """The processor seconds that the containers of the stack have taken so far."""

    def __init__(self, stack: Stack) -> None:
        client = docker.from_env()
        self._containers = {
            name: [client.containers.get(key) for key in stack.compose("ps", "-q", name).split()]
            for name in stack.compose("ps", "--services").split()
        }

    def seconds(self) -> Mapping[str, float]:
        """Return the seconds by column, and those of media's jobs."""
        total: dict[str, float] = defaultdict(float)
        for name, containers in self._containers.items():
            for container in containers:
                usage = container.stats(stream=False, one_shot=True)["cpu_stats"]["cpu_usage"]
                total[_column(name)] += usage["total_usage"] / 1e9
        return total

    def memory(self) -> Mapping[str, float]:
        """Return the megabytes of each compose service, without the page cache."""
        return {
            name: sum(_megabytes(container.stats(stream=False)) for container in containers)
            for name, containers in sorted(self._containers.items())
        }


def _column(name: str) -> str:
    service, _, kind = name.partition("-")
    if kind == "web":
        return service
    return {"broker": "redis", "cache": "redis"}.get(name, kind or name)


def _megabytes(stats: Mapping[str, Any]) -> float:
    memory = stats["memory_stats"]
    # `docker stats` takes these away as well; the first name is of cgroups v1.
    files = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return float(memory["usage"] - files) / 1e6


@dataclass(frozen=True)
class Listener:
    """Somebody with a track, a playlist of it, and a link to its sound."""

    headers: Mapping[str, str]
    username: str
    track: str
    album: str
    playlist: str
    sound: str


Case = Callable[[Listener, int], Request]
"""Returns the nth request."""


def _get(path: str, who: Listener, number: int) -> Request:
    target = path.format(n=number % 500, **vars(who))
    return Request("GET", f"/api/v1/{target}", headers=who.headers)


def _post(path: str, value: Mapping[str, Any], status: int, who: Listener, _n: int) -> Request:
    filled = {name: who.track if text == "TRACK" else text for name, text in value.items()}
    headers = {**who.headers, "Content-Type": "application/json"}
    body = json.dumps(filled).encode()
    return Request("POST", f"/api/v1/{path.format(**vars(who))}", body, headers, status)


def _sign_in(who: Listener, _number: int) -> Request:
    form = {"grant_type": "password", "username": who.username, "password": _PASSWORD}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", "/api/v1/auth/token", urlencode(form).encode(), headers)


def _sound(who: Listener, number: int) -> Request:
    start = number % 20 * _RANGE_BYTES
    wanted = {"Range": f"bytes={start}-{start + _RANGE_BYTES - 1}"}
    return Request("GET", who.sound, headers=wanted, expected=206)


_PLAY = {"track_id": "TRACK", "played_ms": _SOUND_SECONDS * 1000}
CASES: Mapping[str, Case] = {
    "list of albums, cached": partial(_get, "albums?limit=50"),
    "album": partial(_get, "albums/{album}"),
    "search, 500 different ones": partial(_get, "search?q=tone+{n}"),
    "playlist of 50 entries": partial(_get, "playlists/{playlist}"),
    "note a play (an event for catalog)": partial(_post, "me/history", _PLAY, 201),
    "links to a track's sound": partial(_post, "playback/{track}", {}, 200),
    "64 KB of sound": _sound,
    # The last: a hundred sign-ins end the session that the others use.
    "sign in (argon2id)": _sign_in,
}


def main() -> int:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of load for each kind")
    parser.add_argument("--clients", type=int, default=4)
    arguments = parser.parse_args()
    stack = Stack("docker-compose.yml")
    stack.up()
    processors = Processors(stack)
    who = _publish(processors)
    idle = _measure(processors, partial(time.sleep, _IDLE_SECONDS))
    print("\n| milliseconds of processor time for each | 1/s | p50 | p99 |", end="")
    print("".join(f" {column} |" for column in _COLUMNS))
    print("|---|---|---|---|" + "---|" * len(_COLUMNS))
    print(f"| one second without requests | - | - | - |{_cells(idle)}", flush=True)
    wrong: list[Outcome] = []
    for name, case in CASES.items():
        load = Load(stack.address, [partial(case, who)] * arguments.clients, pause_seconds=0.0)
        with Load(stack.address, [partial(case, who)] * arguments.clients, pause_seconds=0.0):
            time.sleep(1)  # caches, and connections to the database
        spent = _measure(processors, partial(_ask, load, arguments.seconds))
        print(_row(name, load.outcomes, arguments.seconds, spent, idle), flush=True)
        wrong += load.unexpected()
    print("\n| container | MB |\n|---|---|")
    for name, megabytes in processors.memory().items():
        print(f"| {name} | {megabytes:.0f} |")
    for outcome in wrong[:10]:
        print(outcome, file=sys.stderr)
    return 1 if wrong else 0


def _ask(load: Load, seconds: float) -> None:
    with load:
        time.sleep(seconds)
    time.sleep(_SETTLE_SECONDS)  # what workers do about it counts, too


def _measure(processors: Processors, work: Callable[[], None]) -> Mapping[str, float]:
    """Return the milliseconds that each column took in a second of `work`."""
    before, started = processors.seconds(), time.monotonic()
    work()
    seconds, after = time.monotonic() - started, processors.seconds()
    return {column: (after[column] - before[column]) * 1000 / seconds for column in _COLUMNS}


def _row(
    name: str,
    outcomes: Sequence[Outcome],
    seconds: float,
    spent: Mapping[str, float],
    idle: Mapping[str, float],
) -> str:
    times = sorted(outcome.seconds * 1000 for outcome in outcomes)
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    for_each = (seconds + _SETTLE_SECONDS) / len(times)
    costs = {column: (spent[column] - idle[column]) * for_each for column in _COLUMNS}
    return f"| {name} | {len(times) / seconds:.0f} | {p50:.0f} | {p99:.0f} |{_cells(costs)}"


def _cells(costs: Mapping[str, float]) -> str:
    return "".join(f" {cost:.1f} |" if cost >= 0.05 else " - |" for cost in costs.values())


def _publish(processors: Processors) -> Listener:
    """Make the person and what is theirs; print what the upload cost media's jobs."""
    name = f"counter-{uuid4().hex[:8]}"
    with requests.Session() as http:
        account = {"username": name, "password": _PASSWORD}
        _call(http, "POST", "auth/register", json=account | {"email": f"{name}@example.org"})
        form = account | {"grant_type": "password"}
        token = _call(http, "POST", "auth/token", data=form)["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        before = processors.seconds()["jobs"]
        track = _call(http, "GET", f"tracks/{_upload(http)}")
        spent = processors.seconds()["jobs"] - before
        print(f"{_SOUND_SECONDS} s of stereo FLAC: {spent:.1f} s of processor time in media-jobs")
        playlist = _call(http, "POST", "playlists", json={"name": "Fifty times"})["id"]
        entries = {"track_ids": [track["id"]] * 50}
        _call(http, "POST", f"playlists/{playlist}/entries", json=entries)
        links = _call(http, "POST", f"playback/{track['id']}")
    sound = urlsplit(urljoin(URL, links["progressive"][-1]["url"])).path
    headers = {"Authorization": f"Bearer {token}"}
    return Listener(headers, name, track["id"], track["album"]["id"], playlist, sound)


def _upload(http: requests.Session) -> str:
    """Upload a recording and return the id of its track once that is published."""
    with tempfile.TemporaryDirectory() as folder:
        recording = _record(Path(folder) / "tone.flac")
        upload = _call(http, "POST", "uploads", files={"file": recording.open("rb")})
    while upload["status"] != "published":
        assert upload["status"] != "failed", upload
        time.sleep(0.5)
        upload = _call(http, "GET", f"uploads/{upload['id']}")
    return str(upload["track_id"])


def _record(path: Path) -> Path:
    # Noise below the tone: nothing of it compresses to nothing.
    sources = (f"sine=frequency=330:duration={_SOUND_SECONDS}", "anoisesrc=amplitude=0.05")
    inputs = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
    mix = ["-filter_complex", "amix=inputs=2:duration=first", "-ac", "2", "-ar", "44100"]
    tags = {"title": f"Tone {uuid4().hex[:6]}", "artist": "Oscillator", "album": "Capacity"}
    tagged = [word for key, value in tags.items() for word in ("-metadata", f"{key}={value}")]
    command = [find_ffmpeg(), "-nostdin", "-loglevel", "error", *inputs, *mix, *tagged, str(path)]
    subprocess.run(command, check=True, timeout=120)
    return path


def _call(http: requests.Session, method: str, path: str, **options: Any) -> dict[str, Any]:
    response = http.request(method, f"{URL}/api/v1/{path}", timeout=_TIMEOUT_SECONDS, **options)
    assert response.ok, response.text
    answer: dict[str, Any] = response.json()
    return answer


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with {error.returncode}")
