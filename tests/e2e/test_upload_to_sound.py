"""From an uploaded file to decoded audio, through the gateway, with the real processes."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import m3u8
import pytest
import requests

MakeAudio = Callable[..., Path]
MakePerson = Callable[[str], Any]


@pytest.fixture
def published(make_person: MakePerson, make_audio: MakeAudio) -> Any:
    """A person with one published track of 12 s; returns both."""

    def make(username: str) -> tuple[Any, str]:
        person = make_person(username)
        song = make_audio(
            "song.flac",
            seconds=12,
            hertz=330 + len(username),
            title=f"Song of {username}",
            artist=f"Étoile {username}",
            album="Nächte",
            genre="Ambient",
            track="3",
        )
        accepted = person.upload(song)
        assert accepted.status_code == 202, accepted.text
        upload = person.wait_for_upload(accepted.json()["id"])
        assert upload["status"] == "published", upload
        return person, upload["track_id"]

    return make


def _decode(ffmpeg: str, url: str, *maps: str) -> tuple[float, str]:
    """Decode a URL to nothing; return the seconds of sound and what ffmpeg complained about."""
    command = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "warning", "-i", url, *maps]
    run = subprocess.run(
        [*command, "-f", "null", "-", "-progress", "pipe:1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    microseconds = re.findall(r"out_time_us=(\d+)", run.stdout)[-1]
    return int(microseconds) / 1e6, run.stderr


def _loudness(ffmpeg: str, path: str) -> float:
    command = [ffmpeg, "-nostdin", "-hide_banner", "-i", path, "-af", "ebur128", "-f", "null", "-"]
    log = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", log)[-1])


def test_a_track_is_found_put_on_a_playlist_and_heard(
    published: Any, ffmpeg: str, tmp_path: Path
) -> None:
    person, track_id = published("maria")

    track = person.get(f"/api/v1/tracks/{track_id}").json()
    assert track["title"] == "Song of maria"
    assert abs(track["duration_ms"] - 12_000) < 60

    for query in ("song maria", "etoile", "ETOILE mar", "nachte"):
        found = person.get("/api/v1/search", params={"q": query}).json()
        assert track_id in [hit["id"] for hit in found["tracks"]], query

    playlist = person.post("/api/v1/playlists", json={"name": "Evening"}).json()
    entries = f"/api/v1/playlists/{playlist['id']}/entries"
    added = _eventually(lambda: person.post(entries, json={"track_ids": [track_id]}), 201)
    assert added.status_code == 201, added.text
    (entry,) = person.get(f"/api/v1/playlists/{playlist['id']}").json()["entries"]
    assert entry["title"] == "Song of maria"
    assert [artist["name"] for artist in entry["artists"]] == ["Étoile maria"]

    playback = person.post(f"/api/v1/playback/{track_id}").json()
    master_url = urljoin(person.suite.url, playback["hls_url"])
    seconds, complaints = _decode(ffmpeg, master_url, "-map", "0")
    assert (round(seconds), complaints) == (12, "")
    for rendition in playback["progressive"]:
        seconds, complaints = _decode(ffmpeg, urljoin(person.suite.url, rendition["url"]))
        assert (round(seconds), complaints) == (12, "")

    original = tmp_path / "song.flac"
    assert abs(playback["loudness"]["integrated_lufs"] - _loudness(ffmpeg, str(original))) <= 0.2


def test_playlists_and_segments_are_served_as_the_rfc_says(published: Any) -> None:
    person, track_id = published("ines")
    playback = person.post(f"/api/v1/playback/{track_id}").json()
    # No header of the client: the link itself is the permission.
    anonymous = requests.Session()
    with anonymous:
        master = anonymous.get(urljoin(person.suite.url, playback["hls_url"]), timeout=10)
        assert master.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert master.headers["Access-Control-Allow-Origin"] == "*"
        variants = m3u8.loads(master.text, uri=master.url).playlists
        assert len(variants) == 3
        media = anonymous.get(variants[0].absolute_uri, timeout=10)
        segments = m3u8.loads(media.text, uri=media.url)
        assert segments.is_endlist
        file = anonymous.get(segments.segments[0].absolute_uri, timeout=10)
        assert file.headers["Content-Type"] == "audio/mp4"

        url = segments.segments[0].absolute_uri
        middle = anonymous.get(url, headers={"Range": "bytes=20000-85535"}, timeout=10)
        assert middle.status_code == 206
        assert middle.content == file.content[20000:85536]
        head = anonymous.head(url, timeout=10)
        assert int(head.headers["Content-Length"]) == len(file.content)
        same = {"Range": "bytes=0-9", "If-Range": file.headers["ETag"]}
        assert anonymous.get(url, headers=same, timeout=10).status_code == 206
        other = {"Range": "bytes=0-9", "If-Range": '"other"'}
        assert anonymous.get(url, headers=other, timeout=10).status_code == 200
        beyond = {"Range": "bytes=999999999-"}
        assert anonymous.get(url, headers=beyond, timeout=10).status_code == 416
        forged = url.replace("/media/", "/media/x", 1)
        assert anonymous.get(forged, timeout=10).status_code in (403, 404)


def test_plays_reach_the_charts(published: Any) -> None:
    person, track_id = published("noor")
    play = {"track_id": track_id, "played_ms": 11_000}
    assert _eventually(lambda: person.post("/api/v1/me/history", json=play), 201).ok

    def top() -> Any:
        return person.get("/api/v1/charts/top")

    _until(lambda: track_id in [item["track"]["id"] for item in top().json()["items"]])
    new = person.get("/api/v1/charts/new").json()["items"]
    assert track_id in [item["track"]["id"] for item in new]
    assert person.call("PUT", f"/api/v1/me/tracks/{track_id}").status_code == 204
    liked = person.get("/api/v1/me/tracks").json()["items"]
    assert [item["title"] for item in liked] == ["Song of noor"]


def test_a_deleted_account_leaves_nothing(published: Any, make_person: MakePerson) -> None:
    leaver, track_id = published("leaver")
    witness = make_person("witness")
    assert witness.get(f"/api/v1/tracks/{track_id}").status_code == 200
    assert leaver.call("DELETE", "/api/v1/users/me").status_code == 204
    _until(lambda: witness.get(f"/api/v1/tracks/{track_id}").status_code == 404)
    _until(lambda: witness.post(f"/api/v1/playback/{track_id}").status_code == 404)
    # A tenth of a second for the bus, one for the revocation list.
    _until(lambda: leaver.get("/api/v1/playlists").status_code == 401)


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _eventually(call: Callable[[], Any], status: int, seconds: float = 20) -> Any:
    """Repeat a call until it has the status: read models follow within moments."""
    deadline = time.monotonic() + seconds
    while (response := call()).status_code != status and time.monotonic() < deadline:
        time.sleep(0.2)
    return response
