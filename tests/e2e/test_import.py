"""A folder of music imported by a user: all of it, each file once, whatever dies meanwhile."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from antiphon.demo.library import Song, make_library, plan_library
from common.db import Database
from media.adapters.storage import LocalStorage
from media.services.sweeping import sweep

pytestmark = pytest.mark.timeout(300)

MakePerson = Callable[[str], Any]
StartImport = Callable[..., "Importer"]

_OUTCOMES = "published|already there|failed|still processing|not sent"


@dataclass(frozen=True)
class Ended:
    """How an import ended: exit code, files by outcome, and all that it printed."""

    code: int
    counts: dict[str, int]
    output: str


class Importer:
    """A running `antiphon import`."""

    def __init__(self, person: Any, folder: Path, log: Path, *options: str) -> None:
        self._log = log
        who = ("--url", person.suite.url, "--username", person.username)
        command = ("import", str(folder), *who, *options)
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "antiphon", *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"ANTIPHON_PASSWORD": person.password},
            )

    def wait_until_settled(self, files: int, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while f"[{files}/" not in self._log.read_text():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)

    def wait(self, seconds: float = 240) -> Ended:
        code = self._process.wait(seconds)
        output = self._log.read_text()
        summary = re.findall(rf"^({_OUTCOMES}) +(\d+)$", output, re.M)
        return Ended(code, {outcome: int(count) for outcome, count in summary}, output)

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        self._process.send_signal(number)


@pytest.fixture
def start_import(tmp_path: Path) -> Iterator[StartImport]:
    started: list[Importer] = []

    def start(person: Any, folder: Path, *options: str) -> Importer:
        importer = Importer(person, folder, tmp_path / f"import-{len(started)}.log", *options)
        started.append(importer)
        return importer

    yield start
    for importer in started:
        importer.signal(signal.SIGKILL)
        importer.wait()


def test_two_hundred_files_become_two_hundred_tracks_once(
    make_person: MakePerson, start_import: StartImport, tmp_path: Path
) -> None:
    songs, music = plan_library(200), tmp_path / "music"
    make_library(music, len(songs))
    person = make_person("librarian")

    sent_before = _files_sent(person)
    begun = time.monotonic()
    first = start_import(person, music).wait()
    took = time.monotonic() - begun
    assert (first.code, first.counts) == (0, {"published": 200}), first.output
    uploads = _assert_all_there_once(person, songs)
    assert _files_sent(person) == sent_before + 200
    _print_times(took, uploads)

    again = start_import(person, music).wait()
    assert (again.code, again.counts) == (0, {"already there": 200}), again.output
    assert _walk(person, "/api/v1/uploads") == uploads
    assert _files_sent(person) == sent_before + 200


def test_an_import_survives_ctrl_c_and_kill_9(
    make_person: MakePerson, start_import: StartImport, tmp_path: Path
) -> None:
    songs, music = plan_library(100), tmp_path / "music"
    make_library(music, len(songs))
    person = make_person("unlucky")
    storage: Path = person.suite.folder / "media"
    before = _files(storage)

    # One at a time: four would have sent everything before the first is published.
    first = start_import(person, music, "--jobs", "1")
    first.wait_until_settled(1)
    first.signal(signal.SIGINT)
    interrupted = first.wait()
    assert interrupted.code == 130, interrupted.output
    assert set(interrupted.counts) == {"published", "still processing", "not sent"}
    assert sum(interrupted.counts.values()) == len(songs)

    second = start_import(person, music)
    second.wait_until_settled(interrupted.counts["published"] + 5)
    _kill_amid_jobs(person)
    finished = second.wait()
    assert finished.code == 0, finished.output
    assert set(finished.counts) == {"published", "already there"}, finished.output
    assert sum(finished.counts.values()) == len(songs)

    third = start_import(person, music).wait()
    assert (third.code, third.counts) == (0, {"already there": len(songs)}), third.output
    uploads = _assert_all_there_once(person, songs)
    _assert_jobs_done(person, uploads)
    _assert_bus_empty(person.suite.folder)
    for upload in uploads:
        _assert_playable(person, upload["track_id"])
    _assert_all_fit_a_playlist(person, [upload["track_id"] for upload in uploads])
    _assert_only_promised_leftovers(storage, before, person)


def _kill_amid_jobs(person: Any) -> None:
    """Kill the media worker and the jobs process with SIGKILL while jobs run."""
    victims = [person.suite.pid_of(name) for name in ("media.jobs", "media.worker")]
    incoming = person.suite.folder / "media/incoming"
    # Two at least: one may be finished before the signal comes.
    _until(lambda: len(list(incoming.glob("work-*"))) >= 2)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    # Nobody is left to finish them: what is still running now has lost its process.
    assert _select(person.suite.folder, "media", "SELECT id FROM job WHERE state = 'running'")


def _assert_all_there_once(person: Any, songs: Sequence[Song]) -> list[dict[str, Any]]:
    """Compare uploads and catalog with what the tags say; return the uploads."""
    uploads = _walk(person, "/api/v1/uploads")
    assert Counter(upload["status"] for upload in uploads) == {"published": len(songs)}
    tracks = _walk(person, "/api/v1/tracks", owner_id="me")
    assert sorted(upload["track_id"] for upload in uploads) == sorted(t["id"] for t in tracks)
    assert sorted(_labels(track) for track in tracks) == sorted(
        (song.title, song.artist, song.album, song.track) for song in songs
    )
    artists = [artist["name"] for artist in _walk(person, "/api/v1/artists", owner_id="me")]
    assert sorted(artists) == sorted({song.artist for song in songs})
    albums = [album["title"] for album in _walk(person, "/api/v1/albums", owner_id="me")]
    assert sorted(albums) == sorted({song.album for song in songs})
    return uploads


def _labels(track: dict[str, Any]) -> tuple[str, str, str, int]:
    (artist,) = track["credits"]
    return track["title"], artist["name"], track["album"]["title"], track["track_number"]


def _walk(person: Any, path: str, **query: str) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        response = person.get(path, params={"limit": "50", **query, **cursor})
        response.raise_for_status()
        page = response.json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


def _files_sent(person: Any) -> int:
    """Return how many files were ever sent, as the gateway logged it."""
    logs = (person.suite.folder / "logs").glob("gateway.log*")
    lines = [line for log in logs for line in log.read_text().splitlines()]
    requests = [json.loads(line).get("request", {}) for line in lines]
    sending = ("POST", "/api/v1/uploads")
    return sum((each.get("method"), each.get("uri")) == sending for each in requests)


def _print_times(took: float, uploads: Sequence[dict[str, Any]]) -> None:
    begun = [datetime.fromisoformat(upload["stages"]["received"]) for upload in uploads]
    ended = [datetime.fromisoformat(upload["stages"]["published"]) for upload in uploads]
    whole = (max(ended) - min(begun)).total_seconds()
    each = sorted((end - begin).total_seconds() for begin, end in zip(begun, ended, strict=True))
    print(
        f"{len(uploads)} files imported in {took:.1f} s; first received to last published "
        f"{whole:.1f} s; a file's median {median(each):.1f} s, longest {each[-1]:.1f} s"
    )


def _assert_jobs_done(person: Any, uploads: Sequence[dict[str, Any]]) -> None:
    """Check that every upload's two jobs are done, and that killing had made some begin anew."""
    rows = _select(person.suite.folder, "media", "SELECT kind, payload, state, attempt FROM job")
    mine = {upload["asset_id"] for upload in uploads}
    jobs = [row for row in rows if json.loads(row[1])["asset_id"] in mine]
    assert Counter((kind, state) for kind, _, state, _ in jobs) == {
        ("media.describe", "done"): len(uploads),
        ("media.transcode", "done"): len(uploads),
    }
    assert max(attempt for *_, attempt in jobs) >= 2


def _assert_bus_empty(folder: Path) -> None:
    """Check that no service has an event left to deliver or to apply."""
    undelivered = "SELECT COUNT(*) FROM outbox_delivery"
    unapplied = "SELECT type, last_error FROM inbox WHERE state != 'done'"
    for service in ("auth", "catalog", "playlist", "media"):
        _until(lambda at=service: _select(folder, at, undelivered) == [(0,)])  # type: ignore[misc]
        assert _select(folder, service, unapplied) == []


def _assert_playable(person: Any, track_id: str) -> None:
    answer = person.post(f"/api/v1/playback/{track_id}")
    assert answer.status_code == 200, answer.text
    assert person.get(answer.json()["hls_url"]).status_code == 200
    for rendition in answer.json()["progressive"]:
        head = person.call("HEAD", rendition["url"])
        assert head.status_code == 200
        assert int(head.headers["Content-Length"]) > 1000


def _assert_all_fit_a_playlist(person: Any, track_ids: Sequence[str]) -> None:
    """Check that the playlist service knows all tracks too."""
    playlist = person.post("/api/v1/playlists", json={"name": "All of it"}).json()["id"]
    path = f"/api/v1/playlists/{playlist}/entries"
    added = person.post(path, json={"track_ids": list(track_ids)})
    assert added.status_code == 201, added.text
    assert [entry["track_id"] for entry in _walk(person, path)] == list(track_ids)


def _assert_only_promised_leftovers(storage: Path, before: set[str], person: Any) -> None:
    """Check that what nothing refers to is work cut short, and that the sweeper takes it away."""
    served = dict(_select(person.suite.folder, "media", "SELECT id, attempt FROM asset"))
    kept = {f"originals/{asset}" for asset in served}
    kept |= {f"renditions/{asset}/attempt-{attempt}" for asset, attempt in served.items()}
    leftovers = _files(storage) - before - kept
    for path in leftovers:
        if superseded := re.fullmatch(r"renditions/([^/]+)/attempt-(\d+)", path):
            assert int(superseded[2]) < served[superseded[1]]
        else:
            assert path.startswith("incoming/work-"), path
    # Each job that ran when its process was killed left one thing, and nothing else did.
    assert len(leftovers) <= (os.cpu_count() or 1)
    assert leftovers, "kill -9 in the middle of ffmpeg leaves at least its workspace"

    database = Database(f"sqlite:///{person.suite.folder / 'media.db'}")
    sweep(database, LocalStorage(storage), stale=timedelta(0))
    database.dispose()
    assert _files(storage) - before <= kept


def _files(storage: Path) -> set[str]:
    """Return what storage holds: files, temporary folders, and one folder an attempt."""
    patterns = ("incoming/*", "originals/*", "renditions/*/*", "images/*/*")
    return {str(path.relative_to(storage)) for each in patterns for path in storage.glob(each)}


def _select(folder: Path, service: str, query: str) -> list[tuple[Any, ...]]:
    """Read a service's database as it is now."""
    url = f"file:{folder / service}.db?mode=ro"
    with closing(sqlite3.connect(url, uri=True)) as connection:
        return connection.execute(query).fetchall()


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
