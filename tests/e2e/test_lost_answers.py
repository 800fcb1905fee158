"""Clients that repeat what got no answer, while the web processes are killed under them."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import requests

from common.db import new_id

PATH = "/api/v1/playlists"
CLIENTS = 8
KILLS = 4
_PATIENCE_SECONDS = 60
# What may have taken effect all the same (RFC 9110 §15.6).
_UNSURE = {502, 503, 504}


class Insistent:
    """Makes playlists one after another, each until there is an answer."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.repeated = 0
        self._url = url + PATH
        self._http = requests.Session()
        self._http.headers.update(headers)

    def run(self, stop: threading.Event) -> dict[str, str]:
        """Return the id of each playlist by its name."""
        made = {}
        with closing(self._http):
            while not stop.is_set():
                name = new_id()
                made[name] = self._make(name, {"Idempotency-Key": name})
        return made

    def _make(self, name: str, headers: dict[str, str]) -> str:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self._try(name, headers)
            if answer is not None:
                assert answer.status_code == 201, answer.text
                return str(answer.json()["id"])
            assert time.monotonic() < deadline, "no answer for a minute"
            self.repeated += 1
            time.sleep(0.1)

    def _try(self, name: str, headers: dict[str, str]) -> requests.Response | None:
        try:
            answer = self._http.post(self._url, json={"name": name}, headers=headers, timeout=30)
        except requests.ConnectionError:
            return None
        return None if answer.status_code in _UNSURE else answer


def _all_playlists(person: Any) -> Iterator[tuple[str, str]]:
    cursor: str | None = ""
    while cursor is not None:
        page = person.get(PATH, params={"limit": 200} | ({"cursor": cursor} if cursor else {}))
        yield from ((item["name"], item["id"]) for item in page.json()["items"])
        cursor = page.json()["next_cursor"]


@pytest.fixture
def kill_playlist_web(suite: Any) -> Callable[[], None]:
    """Return a function that kills playlist's web processes as soon as they run (again)."""

    def kill() -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return os.killpg(suite.pid_of("playlist.web"), signal.SIGKILL)
            except ProcessLookupError:  # not started again yet
                assert time.monotonic() < deadline
                time.sleep(0.2)

    return kill


def test_nothing_is_lost_and_nothing_is_made_twice(
    suite: Any, make_person: Callable[[str], Any], kill_playlist_web: Callable[[], None]
) -> None:
    person = make_person("insistent")
    clients = [Insistent(suite.url, dict(person.http.headers)) for _ in range(CLIENTS)]
    stop = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        runs = [pool.submit(client.run, stop) for client in clients]
        try:
            for _ in range(KILLS):
                time.sleep(2)
                kill_playlist_web()
        finally:
            stop.set()
        answered = {name: id_ for run in runs for name, id_ in run.result().items()}
    kept = list(_all_playlists(person))
    print(f"{len(answered)} playlists, {sum(c.repeated for c in clients)} requests repeated")
    assert sum(client.repeated for client in clients) >= KILLS
    assert sorted(kept) == sorted(answered.items())
