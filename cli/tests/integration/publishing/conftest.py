"""A stand-in Antiphon: the endpoints that the client uses, over real HTTP, with real state."""

import hashlib
import io
import json
import logging
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
from flask import Flask, Request, Response, g, jsonify, request
from werkzeug.serving import make_server

from antiphon.client.api import AntiphonClient
from antiphon.client.retry import Retry

STAGES = ["received", "described", "transcoded", "published"]


@dataclass
class Fault:
    """What happens instead of, or after, the next request to a path."""

    method: str
    path: str
    status: int = 0  # 0: the connection breaks
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False  # the request takes effect first


@dataclass
class StandIn:
    """Antiphon as the client sees it."""

    url: str = ""
    processing: bool = True  # uploads advance a stage each time they are looked at
    block_seconds: float = 0.0  # how long each upload takes to be answered
    broken: dict[str, str] = field(default_factory=dict)  # file name -> why it will fail
    unknown_tracks: int = 0  # how many requests playlists refuse before they know new tracks
    faults: deque[Fault] = field(default_factory=deque)
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    access: dict[str, tuple[str, float]] = field(default_factory=dict)
    refresh: dict[str, str] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    families_ended: int = 0
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    playlists: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by path and key
    likes: set[str] = field(default_factory=set)
    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[tuple[str | None, bytes, str | None]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def published(self) -> list[dict[str, Any]]:
        return [each for each in self.uploads.values() if each["status"] == "published"]

    def take_fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.requests.append((method, path))
            fits = (each for each in self.faults if (each.method, each.path) == (method, path))
            fault = next(fits, None)
            if fault is not None:
                self.faults.remove(fault)
            return fault

    def user_of(self, header: str) -> str | None:
        user, ends = self.access.get(header.removeprefix("Bearer "), ("", 0.0))
        return user if time.monotonic() < ends else None

    def grant(self, form: Mapping[str, str]) -> str | None:
        """Return whose tokens these credentials deserve."""
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] in self.spent:
                self.families_ended += 1
            self.spent.add(form["refresh_token"])
            return self.refresh.pop(form["refresh_token"], None)
        known = self.users.get(form["username"])
        return form["username"] if known and known["password"] == form["password"] else None

    def find(self, owner: str, sha256: str) -> list[dict[str, Any]]:
        wanted = (owner, sha256)
        return [u for u in self.uploads.values() if (u["owner"], u["sha256"]) == wanted]

    def receive(self, owner: str, name: str | None, content: bytes) -> tuple[dict[str, Any], int]:
        sha256 = hashlib.sha256(content).hexdigest()
        for known in self.find(owner, sha256):
            if known["status"] != "failed":
                return known, 200
            known.update(status="received", failure=None)
            return known, 202
        made: dict[str, Any] = {
            "track_id": None,
            "failure": None,
            "id": str(uuid.uuid4()),
            "owner": owner,
            "status": "received",
            "sha256": sha256,
            "filename": name,
        }
        self.uploads[made["id"]] = made
        return made, 202

    def advance(self, upload: dict[str, Any]) -> None:
        if not self.processing or upload["status"] in {"published", "failed"}:
            return
        reason = self.broken.get(upload["filename"])
        if reason is not None and upload["status"] == "described":
            upload.update(status="failed", failure=reason)
            return
        upload["status"] = STAGES[STAGES.index(upload["status"]) + 1]
        upload["track_id"] = str(uuid.uuid4()) if upload["status"] == "published" else None


def problem(status: int, detail: str, **more: Any) -> Response:
    body = {"title": "Refused", "status": status, "detail": detail, "request_id": "r-1"}
    text = json.dumps({**body, **more})
    return Response(text, status, content_type="application/problem+json")


def answer_fault(fault: Fault) -> Response:
    if not fault.status:
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    response = problem(fault.status or 500, "A fault of the test.")
    response.headers.update(fault.headers)
    return response


class InMemory(Request):
    """Leaves no half-filled temporary file behind when a connection breaks."""

    def _get_file_stream(self, *_args: Any, **_kwargs: Any) -> IO[bytes]:
        return io.BytesIO()


def make_app(state: StandIn) -> Flask:
    app = Flask("stand-in")
    app.request_class = InMemory

    @app.before_request
    def gate() -> Response | None:
        g.fault = state.take_fault(request.method, request.path)
        if g.fault and not g.fault.after:
            return answer_fault(g.fault)
        g.user = state.user_of(request.headers.get("Authorization", ""))
        free = request.path.startswith("/api/v1/auth")
        if not (free or g.user):
            return problem(401, "The token has expired.")
        known = state.answers.get((request.path, request.headers.get("Idempotency-Key", "")))
        return Response(known, 201, content_type="application/json") if known else None

    @app.after_request
    def late_fault(response: Response) -> Response:
        if response.status_code == 201 and "Idempotency-Key" in request.headers:
            key = request.headers["Idempotency-Key"]
            state.answers[request.path, key] = response.get_data()
        return answer_fault(g.fault) if g.fault and g.fault.after else response

    add_accounts(app, state)
    add_uploads(app, state)
    add_playlists(app, state)
    return app


def add_accounts(app: Flask, state: StandIn) -> None:
    @app.post("/api/v1/auth/register")
    def register() -> Any:
        body = request.get_json()
        if body["username"] in state.users:
            return problem(409, "Somebody already has this username")
        errors = [{"field": "body.password", "message": "too short"}]
        if len(body["password"]) < 8:
            return problem(422, "The input is not valid.", errors=errors)
        state.users[body["username"]] = user = {"id": str(uuid.uuid4()), **body}
        return jsonify(user), 201

    @app.post("/api/v1/auth/token")
    def token() -> Any:
        with state.lock:
            user = state.grant(request.form)
            if user is None:
                body = {"error": "invalid_grant", "error_description": "Wrong name or password."}
                return jsonify(body), 400
            access, refresh = str(uuid.uuid4()), str(uuid.uuid4())
            state.access[access] = (user, time.monotonic() + 600)
            state.refresh[refresh] = user
        return jsonify(
            access_token=access, refresh_token=refresh, expires_in=600, token_type="Bearer"
        )


def add_uploads(app: Flask, state: StandIn) -> None:
    @app.get("/api/v1/uploads")
    def find() -> Any:
        with state.lock:
            return jsonify(items=state.find(g.user, request.args["sha256"]), next_cursor=None)

    @app.post("/api/v1/uploads")
    def upload() -> Any:
        file = request.files["file"]
        content = file.read()
        time.sleep(state.block_seconds)
        with state.lock:
            state.bodies.append((file.filename, content, request.form.get("metadata")))
            found, status = state.receive(g.user, file.filename, content)
            return jsonify(found), status

    @app.get("/api/v1/uploads/<upload_id>")
    def look(upload_id: str) -> Any:
        with state.lock:
            found = state.uploads.get(upload_id)
            if found is None or found["owner"] != g.user:
                return problem(404, "There is no such upload.")
            state.advance(found)
            return jsonify(found)


def add_playlists(app: Flask, state: StandIn) -> None:
    @app.put("/api/v1/me/tracks/<track_id>")
    def like(track_id: str) -> Any:
        if track_id not in [each["track_id"] for each in state.published()]:
            return problem(404, "There is no such track.")
        state.likes.add(track_id)
        return "", 204

    @app.post("/api/v1/playlists")
    def create() -> Any:
        made = {"id": str(uuid.uuid4()), "name": request.get_json()["name"], "entries": []}
        state.playlists[made["id"]] = made
        return jsonify(made), 201

    @app.get("/api/v1/playlists/<playlist_id>")
    def read(playlist_id: str) -> Any:
        found = state.playlists.get(playlist_id)
        return jsonify(found) if found else problem(404, "There is no such playlist.")

    @app.post("/api/v1/playlists/<playlist_id>/entries")
    def add(playlist_id: str) -> Any:
        if state.unknown_tracks:
            state.unknown_tracks -= 1
            return problem(422, "Some tracks are not known.")
        state.playlists[playlist_id]["entries"] += [
            {"id": str(uuid.uuid4()), "track_id": each} for each in request.get_json()["track_ids"]
        ]
        return jsonify(state.playlists[playlist_id]), 201


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """Run a stand-in Antiphon on a free port of this machine."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    state = StandIn()
    server = make_server("127.0.0.1", 0, make_app(state), threaded=True)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fault(stand_in: StandIn) -> Callable[..., None]:
    """Return a function that makes the next request to a path go wrong."""
    return lambda *args, **kwargs: stand_in.faults.append(Fault(*args, **kwargs))


@pytest.fixture
def client(stand_in: StandIn) -> AntiphonClient:
    """Return a logged-in client that waits for nothing when it tries again."""
    client = AntiphonClient(stand_in.url, Retry(wait=lambda _: None))
    client.register("ada@example.com", "ada", "correct horse", "Ada")
    client.log_in("ada", "correct horse")
    return client


@pytest.fixture
def free_port_url() -> Iterator[str]:
    """Return a URL where nobody listens, and nobody can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Make a folder of files that differ; the stand-in does not mind that they are no music."""
    folder = tmp_path / "music"
    for number in range(6):
        path = folder / f"album {number // 3}" / f"{number:02} song.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"song {number} ".encode() * 20_000)
    return folder
