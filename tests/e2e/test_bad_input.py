"""Bad input through the real gateway: a clear answer each time, and nothing left behind."""

import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MakePerson = Callable[[str], Any]


def _assert_problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["request_id"]
    assert "Traceback" not in response.text
    detail: str = problem["detail"]
    return detail


@pytest.fixture
def person(make_person: MakePerson) -> Any:
    return make_person(f"p{uuid.uuid4().hex[:12]}")


def _run(ffmpeg: str, *arguments: object) -> None:
    command = [ffmpeg, "-nostdin", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


def _make_text(folder: Path, _ffmpeg: str) -> Path:
    path = folder / "not audio.mp3"
    path.write_text("This is no music. " * 500)
    return path


def _make_empty(folder: Path, _ffmpeg: str) -> Path:
    path = folder / "empty.mp3"
    path.touch()
    return path


def _make_truncated(folder: Path, ffmpeg: str) -> Path:
    whole, path = folder / "whole.m4a", folder / "truncated.m4a"
    _run(ffmpeg, "-f", "lavfi", "-i", "sine=duration=5", whole)
    # The index of an MP4 is at its end: without it nothing can be decoded.
    path.write_bytes(whole.read_bytes()[:4000])
    return path


def _make_video(folder: Path, ffmpeg: str) -> Path:
    path = folder / "video.mp4"
    source = ("-f", "lavfi", "-i", "testsrc=duration=2:size=64x64", "-f", "lavfi", "-i")
    _run(ffmpeg, *source, "sine=duration=2", "-shortest", path)
    return path


def _make_silence_of_no_length(folder: Path, ffmpeg: str) -> Path:
    path = folder / "nothing.wav"
    _run(ffmpeg, "-f", "lavfi", "-i", "sine=duration=1", "-t", "0", path)
    return path


@pytest.mark.parametrize(
    "make", [_make_text, _make_empty, _make_truncated, _make_video, _make_silence_of_no_length]
)
def test_what_is_no_track_is_refused_or_fails_with_a_reason(
    person: Any, ffmpeg: str, tmp_path: Path, make: Callable[[Path, str], Path]
) -> None:
    response = person.upload(make(tmp_path, ffmpeg))
    if response.status_code == 202:
        upload = person.wait_for_upload(response.json()["id"])
        assert upload["status"] == "failed"
        reason = str(upload["failure"])
    else:
        assert response.status_code in (415, 422)
        reason = _assert_problem(response, response.status_code)
    assert len(reason) > 10
    assert "Traceback" not in reason
    tracks = person.get("/api/v1/tracks", params={"owner_id": "me"})
    assert tracks.ok, tracks.text
    assert tracks.json()["items"] == []


def test_a_name_with_dots_stays_a_name(
    person: Any, make_audio: Callable[..., Path], suite: Any
) -> None:
    song = make_audio("song.mp3", seconds=2, hertz=111)
    accepted = person.upload(song, name="../../../../etc/evil.mp3")
    assert accepted.status_code == 202
    upload = person.wait_for_upload(accepted.json()["id"])
    assert upload["status"] == "published"
    track = person.get(f"/api/v1/tracks/{upload['track_id']}").json()
    assert "/" not in track["title"]
    assert not list(suite.folder.rglob("*evil*"))


def test_a_request_without_a_file_or_with_broken_metadata(
    person: Any, make_audio: Callable[..., Path]
) -> None:
    _assert_problem(person.post("/api/v1/uploads", files={"other": b"x"}), 422)
    _assert_problem(person.post("/api/v1/uploads", json={}), 415)
    song = make_audio("song.mp3", seconds=1)
    with song.open("rb") as file:
        files = {"metadata": (None, "{broken", "application/json"), "file": ("a.mp3", file)}
        response = person.post("/api/v1/uploads", files=files)
    assert response.status_code in (400, 422)
    _assert_problem(response, response.status_code)
    assert person.get("/api/v1/uploads").json()["items"] == []


@pytest.mark.parametrize(
    "path", ["tracks", "albums", "artists", "genres", "playlists", "uploads", "users"]
)
@pytest.mark.parametrize(
    "unknown", ["01938b1c-7f10-7c3e-8f53-1d2b6a9e4c01", "nonsense", "%2e%2e", "é"]
)
def test_an_unknown_id_is_a_404(person: Any, path: str, unknown: str) -> None:
    response = person.get(f"/api/v1/{path}/{unknown}")
    # Only administrators may even ask for users.
    expected = 403 if path == "users" and len(unknown) == 36 else 404
    _assert_problem(response, expected)


def test_an_unknown_path_is_a_404_of_the_gateway(person: Any) -> None:
    for path in ("/api/v1", "/api/v1/nothing", "/api/v2/tracks", "/api/v1/tracksuit", "/healthz"):
        _assert_problem(person.get(path), 404)


def test_a_foreign_playlist_is_none_of_ones_business(person: Any, make_person: MakePerson) -> None:
    owner = make_person(f"o{uuid.uuid4().hex[:12]}")
    playlist = owner.post("/api/v1/playlists", json={"name": "Private"}).json()
    path = f"/api/v1/playlists/{playlist['id']}"
    _assert_problem(person.get(path), 404)
    _assert_problem(person.call("PATCH", path, json={"name": "Mine now"}), 404)
    _assert_problem(person.call("DELETE", path), 404)
    entries = {"track_ids": [str(uuid.uuid4())]}
    _assert_problem(person.post(f"{path}/entries", json=entries), 404)
    assert owner.get(path).json()["name"] == "Private"


def test_every_service_refuses_a_forged_token(person: Any) -> None:
    head, body, signature = str(person.http.headers["Authorization"]).split(".")
    forged = {"Authorization": f"{head}.{body}.{signature[:-6]}AAAAAA"}
    for path in ("users/me", "tracks", "playlists", "uploads"):
        response = person.get(f"/api/v1/{path}", headers=forged)
        _assert_problem(response, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_malformed_json_is_a_400_everywhere(person: Any) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("auth/register", "playlists", "me/history", "artists"):
        response = person.post(f"/api/v1/{path}", data=b'{"name": ', headers=headers)
        assert "JSON" in _assert_problem(response, 400)
