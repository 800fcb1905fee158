from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from common.db import new_id

MakeAudio = Callable[..., Path]


@pytest.fixture
def covered(make_audio: MakeAudio, run_ffmpeg: Callable[..., str], tmp_path: Path) -> Path:
    picture, path = tmp_path / "cover.png", tmp_path / "covered.mp3"
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=size=300x200", "-frames:v", 1, "-update", 1, picture)
    audio = make_audio("a.mp3", seconds=2, title="Title")
    run_ffmpeg("-i", audio, "-i", picture, "-map", 0, "-map", 1, "-c", "copy", path)
    return path


@pytest.mark.parametrize("storage_kind", ["local", "cloudinary"])
def test_everything_about_a_recording(
    upload: Any, run_jobs: Any, client: Any, bearer: Any, covered: Path, player: str
) -> None:
    asset_id = upload(covered).json["asset_id"]
    url = f"/api/v1/media/assets/{asset_id}"
    before = client.get(url, headers=bearer()).json
    assert (before["state"], before["tags"], before["renditions"]) == ("received", None, [])
    run_jobs()
    asset = client.get(url, headers=bearer()).json
    assert (asset["state"], asset["codec"], asset["channels"]) == ("ready", "mp3", 2)
    assert asset["tags"]["title"] == "Title"
    assert asset["duration_ms"] == pytest.approx(2000, abs=60)
    assert [r["bitrate_kbps"] for r in asset["renditions"]] == [64, 128, 256]
    assert -40 < asset["loudness"]["integrated_lufs"] < 0
    assert (asset["cover"]["width"], asset["cover"]["height"]) == (300, 200)

    image = client.get(asset["cover"]["url"])
    assert image.status_code in (200, 302)
    assert image.headers["Content-Type"] == "image/jpeg"
    assert image.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    with urlopen(player + asset["cover"]["url"], timeout=10) as sent:
        assert sent.headers["Content-Type"] == "image/jpeg"
        assert sent.read().startswith(b"\xff\xd8\xff")

    assert client.get(url).status_code == 401
    assert client.get(url, headers=bearer(new_id())).status_code == 404
    assert client.get(url, headers=bearer(new_id(), roles=["admin"])).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["x/y.jpg", "{id}/short.jpg", "{id}/..%2f..%2foriginals.jpg", "{id}/" + "g" * 64 + ".jpg"],
)
def test_image_paths_that_name_no_image(client: Any, path: str) -> None:
    assert client.get("/media/images/" + path.format(id=new_id())).status_code in (403, 404)


def test_the_waveform_of_published_tracks_is_for_everybody(
    upload: Any,
    run_jobs: Any,
    client: Any,
    bearer: Any,
    deliver: Any,
    artist_id: str,
    make_audio: MakeAudio,
) -> None:
    asset_id = upload(make_audio("a.wav", seconds=3)).json["asset_id"]
    url = f"/api/v1/media/assets/{asset_id}/waveform"
    stranger = bearer(new_id(), scopes=["playback:read"])
    assert client.get(url, headers=bearer()).status_code == 404  # not measured yet
    run_jobs()
    answer = client.get(url, headers=bearer())
    waveform = answer.json
    assert waveform["length"] == len(waveform["data"]) // 2 == pytest.approx(1000, abs=3)
    assert (waveform["bits"], waveform["channels"], waveform["version"]) == (8, 1, 2)
    assert array("b", waveform["data"])  # every value fits
    assert min(waveform["data"]) < -10
    assert max(waveform["data"]) > 10
    again = client.get(url, headers=bearer() | {"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get(url, headers=stranger).status_code == 404
    track = {"id": new_id(), "owner_id": artist_id, "asset_id": asset_id}
    deliver("catalog.track.published.v1", **track, state="published")
    assert client.get(url, headers=stranger).status_code == 200
