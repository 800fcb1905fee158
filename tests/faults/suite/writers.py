"""Users at work, who keep a journal of every write that was answered."""

import random
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.faults.suite.people import Dismissed, Person

_PAUSE_SECONDS = 0.02
_TONE_SECONDS = 2


@dataclass
class Journal:
    """What one user was told is done."""

    user_id: str = ""
    uploads: dict[str, str] = field(default_factory=dict)
    """Asset by upload."""
    playlists: dict[str, list[str]] = field(default_factory=dict)
    """The tracks of each, in order."""
    likes: dict[str, bool] = field(default_factory=dict)
    plays: dict[str, str] = field(default_factory=dict)
    """Track by play."""
    writes: int = 0


class Library:
    """The tracks that all writers know of."""

    def __init__(self) -> None:
        self._tracks: list[str] = []
        self._lock = threading.Lock()

    def add(self, track_id: str) -> None:
        """Let everybody know of a track."""
        with self._lock:
            if track_id not in self._tracks:
                self._tracks.append(track_id)

    def choose(self, rng: random.Random) -> str | None:
        """Return any track, None while there is none."""
        with self._lock:
            return rng.choice(self._tracks) if self._tracks else None


class Writer(threading.Thread):
    """Registers a user and works until told to stop, each write until it is answered.

    Requests that make something carry an Idempotency-Key (or an id of their own), so that one that
    got no answer may be asked again. All that is made has the user's name in its own.
    """

    def __init__(
        self,
        person: Person,
        library: Library,
        rng: random.Random,
        make_song: Callable[..., bytes],
        most_uploads: int,
    ) -> None:
        super().__init__(name=person.name)
        self.person, self.journal = person, Journal()
        self._library, self._rng = library, rng
        self._make_song, self._most_uploads = make_song, most_uploads
        self._stop_asked = threading.Event()
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Work: begin with an upload, then whatever comes to mind."""
        work = {
            self._upload: 1,
            self._make_playlist: 2,
            self._add_entries: 6,
            self._like: 5,
            self._play: 10,
            self._retitle: 2,
            self._look_for_tracks: 2,
        }
        try:
            self.person.register()
            self.journal.user_id = self.person.id
            self._upload()
            while not self._stop_asked.wait(_PAUSE_SECONDS):
                # Who was dismissed by one service goes on with the others.
                with suppress(Dismissed):
                    self._rng.choices(list(work), list(work.values()))[0]()
        except BaseException as failure:
            self._failure = failure

    def end(self) -> None:
        """Let the write at hand be answered; raises what went wrong."""
        self._stop_asked.set()
        self.join()
        if self._failure:
            raise self._failure

    def check(self) -> None:
        """Raise what went wrong so far."""
        if self._failure:
            raise self._failure

    def _upload(self) -> None:
        count = len(self.journal.uploads)
        if count >= self._most_uploads:
            return
        song = self._make_song(self._rng.randrange(1 << 30), _TONE_SECONDS, by=self.person.name)
        upload = self.person.upload(f"{count} of {self.person.name}.flac", song)
        self.journal.uploads[upload["id"]] = upload["asset_id"]
        self.journal.writes += 1

    def _make_playlist(self) -> None:
        name = f"List {len(self.journal.playlists)} of {self.person.name}"
        new = {"name": name, "visibility": "public"}
        made = self._post("playlist", "/api/v1/playlists", new, (201,))
        self.journal.playlists[made["id"]] = []

    def _add_entries(self) -> None:
        track_id = self._library.choose(self._rng)
        if not track_id or not self.journal.playlists:
            return
        playlist_id = self._rng.choice(list(self.journal.playlists))
        wanted = [track_id] * self._rng.randint(1, 3)
        path = f"/api/v1/playlists/{playlist_id}/entries"
        if self._post("playlist", path, {"track_ids": wanted}, (201, 422)).get("items"):
            self.journal.playlists[playlist_id] += wanted

    def _like(self) -> None:
        track_id = self._library.choose(self._rng)
        if not track_id:
            return
        liked = not self.journal.likes.get(track_id, False)
        method = "PUT" if liked else "DELETE"
        path = f"/api/v1/me/tracks/{track_id}"
        if self.person.insist("playlist", method, path, (204, 404)).status_code == 204:
            self.journal.likes[track_id] = liked
            self.journal.writes += 1

    def _play(self) -> None:
        track_id = self._library.choose(self._rng)
        if not track_id:
            return
        play_id = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        long_enough = self._rng.random() < 0.8
        played_ms = 31_000 if long_enough else 100
        play = {"track_id": track_id, "play_id": play_id, "played_ms": played_ms}
        answer = self.person.insist(
            "playlist", "POST", "/api/v1/me/history", (200, 201, 422), json=play
        )
        if answer.status_code != 422:
            self.journal.plays[play_id] = track_id
            self.journal.writes += 1

    def _retitle(self) -> None:
        mine = self._own_tracks()
        if mine:
            track = self._rng.choice(mine)
            title = {"title": f"Take {self._rng.randrange(1000)} of {self.person.name}"}
            path = f"/api/v1/tracks/{track['id']}"
            self.person.insist("catalog", "PATCH", path, (200,), json=title)
            self.journal.writes += 1

    def _look_for_tracks(self) -> None:
        for track in self._own_tracks():
            if track["state"] == "published":
                self._library.add(track["id"])

    def _own_tracks(self) -> list[dict[str, Any]]:
        path = f"/api/v1/tracks?owner_id={self.person.id}&limit=200"
        page: dict[str, list[dict[str, Any]]] = self.person.insist(
            "catalog", "GET", path, (200,)
        ).json()
        return page["items"]

    def _post(
        self, service: str, path: str, body: dict[str, Any], expected: tuple[int, ...]
    ) -> dict[str, Any]:
        headers = {"Idempotency-Key": str(uuid.UUID(int=self._rng.getrandbits(128), version=4))}
        answer = self.person.insist(service, "POST", path, expected, json=body, headers=headers)
        self.journal.writes += 1
        made: dict[str, Any] = answer.json()
        return made
