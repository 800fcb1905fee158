import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import m3u8
import pytest
from sqlalchemy import select

from common.db import Database, new_id
from common.events.tables import outbox_delivery
from media.ports import Storage

Bearer = Callable[..., dict[str, str]]

pytestmark = pytest.mark.usefixtures("no_leftovers")


BOTH = pytest.mark.parametrize("storage_kind", ["local", "cloudinary"])
# The path of a URL signed by Cloudinary ends in no file name: ffmpeg finds that suspicious.
_HLS = ("-extension_picky", 0)


def _get(url: str, **headers: str) -> tuple[int, Any, bytes]:
    """Ask as a player does, without any credentials."""
    try:
        with urlopen(Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        return error.code, error.headers, error.read()


@BOTH
def test_from_upload_to_sound(
    client: Any,
    bearer: Bearer,
    artist_id: str,
    make_audio: Callable[..., Path],
    upload: Any,
    run_jobs: Any,
    deliver: Any,
    emitted: Any,
    database: Database,
    storage: Storage,
    kept: Callable[[], set[str]],
    player: str,
    run_ffmpeg: Callable[..., str],
) -> None:
    audio = make_audio("song.flac", seconds=14, title="Tagged title", artist="The Tags")
    sent = upload(audio, "../../etc/My Song.flac", metadata={"title": "Given title"})
    assert sent.status_code == 202, sent.text
    first = sent.json
    assert (first["status"], first["track_id"]) == ("received", None)
    assert first["filename"] == "My Song.flac"
    with storage.fetch(f"originals/{first['asset_id']}") as original:
        assert original.read_bytes() == audio.read_bytes()

    assert run_jobs() == ["media.describe", "media.transcode"]
    own = client.get(f"/api/v1/uploads/{first['id']}", headers=bearer()).json
    assert own["status"] == "transcoded"
    assert list(own["stages"]) == ["received", "described", "transcoded"]

    described = emitted("media.asset.described.v1")[0]
    assert described["tags"]["title"] == "Tagged title"
    assert described["metadata"]["title"] == "Given title"
    ready = emitted("media.asset.ready.v1")[0]
    assert [r["bitrate_kbps"] for r in ready["renditions"]] == [64, 128, 256]
    assert ready["duration_ms"] == pytest.approx(14_000, abs=50)
    assert (
        ready["version"] > described["version"] > emitted("media.asset.received.v1")[0]["version"]
    )
    with database.reading() as session:
        due = session.execute(select(outbox_delivery.c.subscriber)).scalars().all()
    assert sorted(due) == ["catalog", "catalog"]

    track_id = new_id()
    deliver(
        "catalog.track.published.v1",
        id=track_id,
        owner_id=artist_id,
        asset_id=first["asset_id"],
        state="published",
        downloadable=False,
    )
    done = client.get(f"/api/v1/uploads/{first['id']}", headers=bearer()).json
    assert (done["status"], done["track_id"]) == ("published", track_id)

    listener = bearer(new_id(), scopes=["playback:read"], roles=["listener"])
    playback = client.post(f"/api/v1/playback/{track_id}", headers=listener)
    assert playback.status_code == 200, playback.text
    assert playback.json["download_url"] is None
    assert playback.json["loudness"] == ready["loudness"]
    assert [p["bitrate_kbps"] for p in playback.json["progressive"]] == [64, 128, 256]

    hls_url = player + playback.json["hls_url"]
    master = m3u8.load(hls_url)
    assert [v.uri for v in master.playlists] == ["64k.m3u8", "128k.m3u8", "256k.m3u8"]
    for variant in master.playlists:
        media = m3u8.load(variant.absolute_uri)
        assert len({segment.absolute_uri for segment in media.segments}) == 1
        ranges = [tuple(map(int, s.byterange.split("@"))) for s in media.segments]
        size, start = ranges[1]
        asked = f"bytes={start}-{start + size - 1}"
        status, headers, data = _get(media.segments[1].absolute_uri, Range=asked)
        assert (status, len(data), data[4:8]) == (206, size, b"moof")
        assert headers["Content-Range"].startswith(asked.replace("=", " "))
    decoded = run_ffmpeg("-v", "warning", *_HLS, "-i", hls_url, "-map", "0", "-f", "null", "-")
    assert decoded == ""
    for progressive in playback.json["progressive"]:
        url = player + progressive["url"]
        assert run_ffmpeg("-v", "warning", "-i", url, "-f", "null", "-") == ""

    deleted = client.delete(f"/api/v1/uploads/{first['id']}", headers=bearer())
    assert deleted.status_code == 204
    assert run_jobs() == ["media.delete_files"]
    assert kept() == set()
    assert _get(media.segments[0].absolute_uri)[0] == 404


@BOTH
def test_the_owner_may_download_the_original(
    client: Any,
    bearer: Bearer,
    artist_id: str,
    make_audio: Callable[..., Path],
    upload: Any,
    run_jobs: Any,
    deliver: Any,
    player: str,
) -> None:
    audio = make_audio("a song.wav", seconds=1)
    asset_id = upload(audio).json["asset_id"]
    run_jobs()
    track_id = new_id()
    track = {"id": track_id, "owner_id": artist_id, "asset_id": asset_id, "state": "published"}
    deliver("catalog.track.published.v1", **track, downloadable=False, version=1)
    url = f"/api/v1/playback/{track_id}"
    playback = client.post(url, headers=bearer()).json
    answer = client.get(playback["download_url"])
    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a song.wav"'
    status, headers, data = _get(player + playback["download_url"])
    assert (status, data) == (200, audio.read_bytes())
    assert headers["Content-Disposition"].startswith("attachment")

    stranger = bearer(new_id())
    assert client.post(url, headers=stranger).json["download_url"] is None
    # A link to stream is not a link to download, nor the other way round.
    stream, download = playback["hls_url"], playback["download_url"]
    assert client.get(stream.replace("master.m3u8", "original")).status_code == 404
    assert client.get(download.replace("original", "master.m3u8")).status_code == 404
    deliver("catalog.track.updated.v1", **track, downloadable=True, version=2)
    assert client.post(url, headers=stranger).json["download_url"] is not None


def test_only_published_tracks_and_ones_own_can_be_heard(
    client: Any,
    bearer: Bearer,
    artist_id: str,
    make_audio: Callable[..., Path],
    upload: Any,
    run_jobs: Any,
    deliver: Any,
) -> None:
    asset_id = upload(make_audio("a.mp3", seconds=1)).json["asset_id"]
    track_id = new_id()
    track = {"id": track_id, "owner_id": artist_id, "asset_id": asset_id}
    url = f"/api/v1/playback/{track_id}"
    everyone = [bearer(), bearer(new_id()), bearer(new_id(), roles=["admin"])]

    def statuses() -> list[int]:
        return [client.post(url, headers=headers).status_code for headers in everyone]

    assert statuses() == [404, 404, 404]
    deliver("catalog.track.updated.v1", **track, state="draft", version=1)
    assert statuses() == [404, 404, 404]  # not transcoded yet
    run_jobs()
    assert statuses() == [200, 404, 200]
    deliver("catalog.track.published.v1", **track, state="published", version=2)
    assert statuses() == [200, 200, 200]
    deliver("catalog.track.updated.v1", **track, state="hidden", version=3)
    assert statuses() == [200, 404, 200]
    deliver("catalog.track.published.v1", **track, state="published", version=2)  # late
    assert statuses() == [200, 404, 200]
    deliver("catalog.track.deleted.v1", **track, version=4)
    assert statuses() == [404, 404, 404]
    assert client.post(url).status_code == 401
    assert client.post(url, headers=bearer(scopes=["uploads:read"])).status_code == 403


def test_somebody_elses_track_cannot_claim_an_asset(
    client: Any,
    bearer: Bearer,
    make_audio: Callable[..., Path],
    upload: Any,
    run_jobs: Any,
    deliver: Any,
) -> None:
    sent = upload(make_audio("a.mp3", seconds=1)).json
    run_jobs()
    thief, track_id = new_id(), new_id()
    track = {"id": track_id, "owner_id": thief, "asset_id": sent["asset_id"]}
    deliver("catalog.track.published.v1", **track, state="published")
    assert client.post(f"/api/v1/playback/{track_id}", headers=bearer(thief)).status_code == 404
    own = client.get(f"/api/v1/uploads/{sent['id']}", headers=bearer()).json
    assert (own["status"], own["track_id"]) == ("transcoded", None)


def test_links_are_signed_and_end(
    client: Any,
    bearer: Bearer,
    artist_id: str,
    make_audio: Callable[..., Path],
    upload: Any,
    run_jobs: Any,
    deliver: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asset_id = upload(make_audio("a.mp3", seconds=1)).json["asset_id"]
    run_jobs()
    track_id = new_id()
    track = {"id": track_id, "owner_id": artist_id, "asset_id": asset_id, "state": "published"}
    deliver("catalog.track.published.v1", **track)
    url = client.post(f"/api/v1/playback/{track_id}", headers=bearer()).json["hls_url"]
    answer = client.head(url, headers={"Origin": "https://anywhere.test"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert re.match(r"private, max-age=21\d{3}, immutable", answer.headers["Cache-Control"])
    assert answer.headers["ETag"]

    token = url.split("/")[2]
    forged = token[:-2] + ("aa" if token[-2:] != "aa" else "bb")
    assert client.get(url.replace(token, forged)).status_code == 403
    # The last is a digit elsewhere: a name of another alphabet is no name of a file.
    for name in ("..%2f..%2foriginals", "master.m3u8.bak", "64k.mp3", "%2e%2e", "%D9%A1k.m4s"):
        assert client.get(url.replace("master.m3u8", name)).status_code in (403, 404)
    later = time.time() + 6 * 3600 + 5
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    expired = client.get(url)
    assert expired.status_code == 403
    assert "expired" in expired.json["detail"]
