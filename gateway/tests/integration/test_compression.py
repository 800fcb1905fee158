import gzip
import json

import pytest

from gateway.routes import Service
from gateway.testing.running import RunningGateway
from gateway.testing.upstream import Reply, Seen, Upstream, json_reply

LONG = {"text": "la " * 1000}


def test_json_is_compressed_for_those_who_ask(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    upstreams["catalog"].answer = lambda seen: json_reply(LONG)
    plain = gateway.get("/api/v1/tracks")
    assert plain.headers["Content-Encoding"] is None
    assert plain.json() == LONG
    zipped = gateway.get("/api/v1/tracks", ("Accept-Encoding", "gzip"))
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in zipped.headers["Vary"]
    assert json.loads(gzip.decompress(zipped.body)) == LONG
    best = gateway.get("/api/v1/tracks", ("Accept-Encoding", "gzip, zstd, br"))
    assert best.headers["Content-Encoding"] == "zstd"
    assert best.body.startswith(b"\x28\xb5\x2f\xfd")
    assert len(best.body) < len(plain.body) / 10


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("application/problem+json", "gzip"),
        ("text/html; charset=utf-8", "gzip"),
        ("audio/mp4", None),
        ("application/vnd.apple.mpegurl", None),
        ("image/jpeg", None),
        ("text/event-stream", None),
    ],
)
def test_only_text_is_compressed(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], kind: str, encoding: str | None
) -> None:
    upstreams["media"].answer = lambda seen: Reply(headers={"Content-Type": kind}, body=b"a" * 5000)
    response = gateway.get("/api/v1/media/x", ("Accept-Encoding", "gzip"))
    assert response.headers["Content-Encoding"] == encoding


def test_a_service_is_asked_for_no_compression_the_client_did_not_ask_for(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    gateway.get("/api/v1/tracks")
    assert upstreams["catalog"].seen[-1].headers["Accept-Encoding"] is None


def conditional(seen: Seen) -> Reply:
    """A service that knows its own ETag and no other."""
    if seen.method == "PATCH":
        return Reply(200 if seen.headers["If-Match"] == '"v1"' else 412)
    tags = [tag.strip() for tag in seen.headers.get("If-None-Match", "").split(",")]
    return Reply(304, {"ETag": '"v1"'}) if '"v1"' in tags else json_reply(LONG, ETag='"v1"')


@pytest.mark.parametrize("accepted", ["gzip", "zstd", "identity"])
def test_an_etag_the_client_saw_is_understood_again(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], accepted: str
) -> None:
    upstreams["playlist"].answer = conditional
    accept = ("Accept-Encoding", accepted)
    etag = gateway.get("/api/v1/playlists/1", accept).headers["ETag"]
    assert etag == ('"v1"' if accepted == "identity" else f'"v1-{accepted}"')
    for tags in (etag, f'{etag}, "other-gzip"', f'"other-zstd", {etag}'):
        again = gateway.get("/api/v1/playlists/1", accept, ("If-None-Match", tags))
        assert (again.status, again.body) == (304, b"")
    change = gateway.request("PATCH", "/api/v1/playlists/1", [("If-Match", etag)], b"{}")
    assert change.status == 200
    stale = gateway.request("PATCH", "/api/v1/playlists/1", [("If-Match", '"v0-gzip"')], b"{}")
    assert stale.status == 412
