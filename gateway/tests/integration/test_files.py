"""Files that media lets the gateway send."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.routes import Service
from gateway.testing.running import Response, RunningGateway
from gateway.testing.upstream import Reply, Upstream

AUDIO = bytes(range(256)) * 40
ETAG = '"sha-of-the-content"'
PATH = "/media/token/128k.m4s"

Offer = Callable[..., None]


@pytest.fixture(scope="module", autouse=True)
def files(media_root: Path) -> None:
    (media_root / "ab").mkdir()
    (media_root / "ab" / "128k.m4s").write_bytes(AUDIO)
    (media_root / "ab" / "master.m3u8").write_text("#EXTM3U\n" * 200)
    (media_root / "ab" / "name with %41 {x}.m4s").write_bytes(b"odd")
    (media_root.parent / "outside.m4s").write_bytes(b"outside")


@pytest.fixture
def offer(upstreams: dict[Service, Upstream]) -> Offer:
    """Let media answer with this file from now on."""

    def answer(target: str, **headers: str) -> None:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        kept = {
            "X-Accel-Redirect": target,
            "Content-Type": "audio/mp4",
            "ETag": ETAG,
            "Cache-Control": "private, max-age=600",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Expose-Headers": "Content-Range",
            "Content-Disposition": 'attachment; filename="a.m4a"',
            "Content-Security-Policy": "sandbox",
            "Expires": "Tue, 01 Jan 2030 00:00:00 GMT",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Referrer-Policy": "no-referrer",
            "Timing-Allow-Origin": "*",
            "Vary": "Origin",
            "X-Content-Type-Options": "nosniff",
            "Server": "gunicorn",
            "X-Internal": "secret",
            "Set-Cookie": "inner=1",
        }
        upstreams["media"].answer = lambda seen: Reply(headers={**kept, **named}, body=b"ignored")

    answer("/ab/128k.m4s")
    return answer


def problem(response: Response, status: int) -> Any:
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    for name in ("Content-Disposition", "Content-Encoding", "ETag", "Expires", "Last-Modified"):
        assert response.headers[name] is None, name
    assert response.json()["status"] == status
    return response.json()


def test_the_whole_file_with_the_headers_of_media(gateway: RunningGateway, offer: Offer) -> None:
    response = gateway.get(PATH, ("Accept-Encoding", "gzip, zstd"), ("Origin", "https://app"))
    assert (response.status, response.body) == (200, AUDIO)
    headers = response.headers
    assert headers.get_all("Content-Type") == ["audio/mp4"]
    assert headers.get_all("ETag") == [ETAG]
    assert headers["Content-Length"] == str(len(AUDIO))
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["Cache-Control"] == "private, max-age=600"
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"] == "Content-Range"
    assert headers["Content-Disposition"] == 'attachment; filename="a.m4a"'
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["Expires"] == "Tue, 01 Jan 2030 00:00:00 GMT"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Timing-Allow-Origin"] == "*"
    assert "Origin" in headers.get_all("Vary", [])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Encoding"] is None
    for inner in ("X-Accel-Redirect", "X-Internal", "Set-Cookie", "Server", "Via"):
        assert headers[inner] is None, inner


def test_a_playlist_has_the_type_media_gives_it(gateway: RunningGateway, offer: Offer) -> None:
    offer("/ab/master.m3u8", Content_Type="application/vnd.apple.mpegurl")
    response = gateway.get("/media/token/master.m3u8", ("Accept-Encoding", "gzip"))
    assert response.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert response.headers["Content-Encoding"] is None
    assert response.body.startswith(b"#EXTM3U\n")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-299", 100, 299),
        ("bytes=10000-", 10_000, len(AUDIO) - 1),
        ("bytes=-5", len(AUDIO) - 5, len(AUDIO) - 1),
        ("bytes=10000-99999999", 10_000, len(AUDIO) - 1),
    ],
)
def test_a_range(gateway: RunningGateway, offer: Offer, asked: str, first: int, last: int) -> None:
    response = gateway.get(PATH, ("Range", asked))
    assert (response.status, response.body) == (206, AUDIO[first : last + 1])
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(AUDIO)}"
    assert response.headers["Content-Type"] == "audio/mp4"
    assert response.headers["ETag"] == ETAG


def test_several_ranges(gateway: RunningGateway, offer: Offer) -> None:
    response = gateway.get(PATH, ("Range", "bytes=0-9,200-209"))
    assert response.status == 206
    kind, _, boundary = response.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    parts = response.body.split(f"--{boundary}".encode())[1:-1]
    assert [part.split(b"\r\n\r\n", 1)[1][:-2] for part in parts] == [AUDIO[:10], AUDIO[200:210]]
    assert all(b"Content-Type: audio/mp4" in part for part in parts)


def test_a_slash_at_the_end_makes_no_redirect(gateway: RunningGateway, offer: Offer) -> None:
    assert gateway.get(f"{PATH}/").body == AUDIO


def test_a_range_outside_the_file(gateway: RunningGateway, offer: Offer) -> None:
    response = gateway.get(PATH, ("Range", "bytes=99999999-"))
    assert "outside the file" in problem(response, 416)["detail"]
    assert response.headers["Content-Range"] == f"bytes */{len(AUDIO)}"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("validator", "status"),
    [(ETAG, 206), ('"another"', 200), (f"W/{ETAG}", 200), ("Mon, 01 Jan 2001 00:00:00 GMT", 200)],
)
def test_if_range_compares_with_the_etag_the_client_saw(
    gateway: RunningGateway, offer: Offer, validator: str, status: int
) -> None:
    assert gateway.get(PATH).headers["ETag"] == ETAG
    response = gateway.get(PATH, ("Range", "bytes=5-9"), ("If-Range", validator))
    assert response.status == status
    assert response.body == (AUDIO[5:10] if status == 206 else AUDIO)


def test_if_range_takes_the_date_the_client_saw(gateway: RunningGateway, offer: Offer) -> None:
    seen = gateway.get(PATH).headers["Last-Modified"]
    assert gateway.get(PATH, ("Range", "bytes=5-9"), ("If-Range", seen)).status == 206


@pytest.mark.parametrize("validator", [ETAG, f"W/{ETAG}", f'"a", {ETAG}', "*"])
def test_a_file_the_client_has_is_not_sent(
    gateway: RunningGateway, offer: Offer, validator: str
) -> None:
    response = gateway.get(PATH, ("If-None-Match", validator))
    assert (response.status, response.body) == (304, b"")
    assert response.headers["ETag"] == ETAG
    assert response.headers["Cache-Control"] == "private, max-age=600"
    assert gateway.get(PATH, ("If-None-Match", '"another"')).status == 200


def test_the_etag_of_media_outlives_a_new_copy_of_the_file(
    gateway: RunningGateway, offer: Offer, media_root: Path
) -> None:
    copy = media_root / "copy.m4s"
    for _ in range(2):
        copy.unlink(missing_ok=True)
        copy.write_bytes(AUDIO)
        offer("/copy.m4s")
        assert gateway.get(PATH, ("If-None-Match", ETAG)).status == 304


def test_without_an_etag_of_media_there_is_one_of_the_file(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    upstreams["media"].answer = lambda seen: Reply(headers={"X-Accel-Redirect": "/ab/128k.m4s"})
    etag = gateway.get(PATH).headers["ETag"]
    assert etag.startswith('"')
    assert gateway.get(PATH, ("If-None-Match", etag)).status == 304
    assert gateway.get(PATH, ("Range", "bytes=0-1"), ("If-Range", etag)).status == 206


def test_head(gateway: RunningGateway, offer: Offer) -> None:
    response = gateway.request("HEAD", PATH)
    assert (response.status, response.body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(AUDIO))
    assert response.headers["ETag"] == ETAG
    ranged = gateway.request("HEAD", PATH, [("Range", "bytes=0-9")])
    assert (ranged.status, ranged.headers["Content-Length"]) == (206, "10")


@pytest.mark.parametrize(
    "target",
    [
        "/../outside.m4s",
        "/ab/../../outside.m4s",
        "/%2e%2e/outside.m4s",
        "/..%2foutside.m4s",
        "../outside.m4s",
        "/ab/missing.m4s",
        "/ab",
        "/",
        "",
        "/{env.HOME}",
    ],
)
def test_a_target_that_is_no_file_below_the_folder(
    gateway: RunningGateway, offer: Offer, target: str
) -> None:
    offer(target)
    problem(gateway.get(PATH), 404)


def test_a_name_is_written_as_in_a_url(gateway: RunningGateway, offer: Offer) -> None:
    offer("/ab/name%20with%20%2541%20%7Bx%7D.m4s")
    assert gateway.get(PATH).body == b"odd"


def test_a_client_cannot_ask_for_a_file_itself(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    forged = ("X-Accel-Redirect", "/ab/128k.m4s")
    assert gateway.get(PATH, forged).json() == {"service": "media"}
    assert upstreams["media"].seen[-1].headers["X-Accel-Redirect"] is None
    for target in ("/ab/128k.m4s", "/files/ab/128k.m4s", "/outside.m4s"):
        problem(gateway.get(target, forged), 404)


def test_a_refusal_of_media_stays_a_refusal(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    upstreams["media"].answer = lambda seen: Reply(
        403, {"X-Accel-Redirect": "/ab/128k.m4s", "Content-Type": "text/plain"}, b"no"
    )
    response = gateway.get(PATH)
    assert (response.status, response.body) == (403, b"no")
    assert response.headers["X-Accel-Redirect"] is None


@pytest.mark.parametrize("path", ["/api/v1/tracks", "/api/v1/me", "/docs"])
def test_only_media_may_hand_out_files(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], path: str
) -> None:
    def reply(seen: object) -> Reply:
        return Reply(headers={"X-Accel-Redirect": "/ab/128k.m4s"}, body=b"own")

    for upstream in upstreams.values():
        upstream.answer = reply
    response = gateway.get(path)
    assert response.body == b"own"
    assert response.headers["X-Accel-Redirect"] is None
