"""Listen to the demo as a player does: sign in, ask for links, decode what they lead to."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

_TIMEOUT_SECONDS = 30


def heard_seconds(url: str, data_dir: Path, ffmpeg: str) -> list[float]:
    """Return how many seconds of each track of the demo artist could be decoded from HLS."""
    with requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {_token(http, url, data_dir)}"
        tracks = _answer(http.get(f"{url}/api/v1/tracks", timeout=_TIMEOUT_SECONDS))["items"]
        return [_heard(http, url, track, ffmpeg) for track in tracks]


def _token(http: requests.Session, url: str, data_dir: Path) -> Any:
    login = json.loads((data_dir / "demo-login.json").read_bytes())
    form = {name: login[name] for name in ("username", "password")} | {"grant_type": "password"}
    answer = http.post(f"{url}/api/v1/auth/token", data=form, timeout=_TIMEOUT_SECONDS)
    return _answer(answer)["access_token"]


def _heard(http: requests.Session, url: str, track: dict[str, Any], ffmpeg: str) -> float:
    links = http.post(f"{url}/api/v1/playback/{track['id']}", timeout=_TIMEOUT_SECONDS)
    playlist = urljoin(url, _answer(links)["hls_url"])
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", playlist, "-f", "null", "-"]
    run = subprocess.run(
        [*command, "-progress", "pipe:1"], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stderr == "", run.stderr
    seconds = int(re.findall(r"out_time_us=(\d+)", run.stdout)[-1]) / 1e6
    expected = int(str(track["duration_ms"])) / 1000
    assert abs(seconds - expected) < 0.2, f"{track['title']}: {seconds} s instead of {expected} s"
    return seconds


def _answer(response: requests.Response) -> dict[str, Any]:
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer
