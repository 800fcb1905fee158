"""The gateway as a process: its logs, its files, its end."""

import contextlib
import functools
import http.client
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.routes import Service
from gateway.testing.running import Response, RunningGateway, connection
from gateway.testing.upstream import Reply, Seen, Upstream

Start = Callable[..., contextlib.AbstractContextManager[RunningGateway]]


def last_entry(gateway: RunningGateway, request_id: str) -> dict[str, Any]:
    """The log entry of a request, once it is written."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for entry in gateway.access_log():
            if entry["request_id"] == request_id:
                return entry
        time.sleep(0.02)
    raise AssertionError(f"{request_id} was not logged")


def test_each_request_is_logged_once_as_json(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    agent = ("User-Agent", "a player")
    gateway.get("/api/v1/tracks?limit=5", ("X-Request-Id", "logged"), agent)
    entry = last_entry(gateway, "logged")
    assert entry["request"]["method"] == "GET"
    assert entry["request"]["uri"] == "/api/v1/tracks?limit=5"
    assert (entry["status"], entry["service"]) == (200, "catalog")
    assert entry["user_agent"] == "a player"
    assert entry["duration"] > 0
    assert "uuid" not in entry
    assert len([line for line in gateway.access_log() if line["request_id"] == "logged"]) == 1


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("said", "logged"),
    [(f"00-{TRACE}-00f067aa0ba902b7-01", TRACE), ("no trace", ""), (None, "")],
)
def test_a_request_is_logged_with_its_trace(
    gateway: RunningGateway,
    upstreams: dict[Service, Upstream],
    media_root: Path,
    said: str | None,
    logged: str,
) -> None:
    headers = {"Traceresponse": said} if said else {}
    upstreams["catalog"].answer = lambda seen: Reply(headers=headers)
    (media_root / "a.m4s").write_bytes(b"audio")
    upstreams["media"].answer = lambda seen: Reply(
        headers={"X-Accel-Redirect": "/a.m4s", **headers}
    )
    for target in ("/api/v1/tracks", "/media/token/a.m4s"):
        answer = gateway.get(target)
        assert answer.headers["Traceresponse"] == said
        assert last_entry(gateway, answer.headers["X-Request-Id"])["trace_id"] == logged


def test_an_error_of_the_gateway_is_logged_with_its_id(gateway: RunningGateway) -> None:
    made = gateway.get("/nothing").headers["X-Request-Id"]
    entry = last_entry(gateway, made)
    assert (entry["status"], entry["service"], entry["trace_id"]) == (404, "none", "")


@pytest.mark.parametrize(
    ("target", "logged"),
    [
        ("/media/s3cr3t/128k.m4s?x=1", "/media/REDACTED/128k.m4s?x=1"),
        ("/media/s3cr3t", "/media/REDACTED"),
        ("/media/s3cr3t?x", "/media/REDACTED?x"),
        ("http://a.example/media/s3cr3t/a", "http://a.example/media/REDACTED/a"),
        ("//media//s3cr3t/a", "//media//REDACTED/a"),
        ("/api/v1/media/0190", "/api/v1/media/0190"),
        (
            "/api/v1/auth/callback?code=s3cr3t&x=1&state=s3cr3t",
            "/api/v1/auth/callback?code=REDACTED&x=1&state=REDACTED",
        ),
        ("/api/v1/me?access_token=s3cr3t", "/api/v1/me?access_token=REDACTED"),
    ],
)
def test_secrets_in_the_target_are_not_logged(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], target: str, logged: str
) -> None:
    made = gateway.get(target).headers["X-Request-Id"]
    assert last_entry(gateway, made)["request"]["uri"] == logged
    assert "s3cr3t" not in gateway.output.read_text() + gateway.errors.read_text()


def test_no_header_with_a_secret_is_logged(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    names = ("Authorization", "Cookie", "X-Api-Key", "Referer", "Proxy-Authorization")
    upstreams["auth"].answer = lambda seen: Reply(
        headers={"Set-Cookie": "a=s3cr3t", "Location": "/?code=s3cr3t"}
    )
    headers = [(name, "s3cr3t") for name in names]
    made = gateway.get("/api/v1/auth/token", *headers).headers["X-Request-Id"]
    last_entry(gateway, made)
    upstreams["auth"].answer = lambda seen: None
    assert gateway.request("POST", "/api/v1/auth/token", headers, b"").status == 502
    assert "s3cr3t" not in gateway.output.read_text() + gateway.errors.read_text()


def answered(reply: Reply | None, seen: Seen) -> Reply | None:
    return reply


def test_even_the_debug_log_holds_no_secret(
    start_gateway: Start, upstreams: dict[Service, Upstream], media_root: Path
) -> None:
    (media_root / "a.m4s").write_bytes(b"audio")
    headers = [("Authorization", "Bearer s3cr3t"), ("X-Api-Key", "s3cr3t")]
    inner = {"Set-Cookie": "a=s3cr3t", "Location": "/?code=s3cr3t"}
    offer = {"X-Accel-Redirect": "/a.m4s", **inner}
    answers: list[Reply | None] = [Reply(headers=inner), Reply(headers=offer), None]
    with start_gateway("debugged", log_level="DEBUG") as gateway:
        for answer in answers:
            upstreams["media"].answer = functools.partial(answered, answer)
            gateway.request("POST", "/media/s3cr3t/a.m4s?token=s3cr3t", headers, b"")
            gateway.request("GET", "/media/s3cr3t/a.m4s?token=s3cr3t", headers)
        gateway.stop()
        own = gateway.errors.read_text()
        assert '"level":"debug"' in own
        assert "/media/REDACTED/a.m4s?token=REDACTED" in own
        assert "s3cr3t" not in own + gateway.output.read_text()


def test_only_failures_are_logged_at_level_error(
    start_gateway: Start, upstreams: dict[Service, Upstream]
) -> None:
    with start_gateway("quiet", log_level="ERROR") as gateway:
        assert gateway.get("/api/v1/tracks", ("X-Request-Id", "fine")).status == 200
        upstreams["catalog"].answer = lambda seen: None
        gateway.request("POST", "/api/v1/tracks", [("X-Request-Id", "broken")], b"")
        last_entry(gateway, "broken")
        assert [entry["request_id"] for entry in gateway.access_log()] == ["broken"]


def test_the_admin_api_is_a_private_socket_and_nothing_is_written_elsewhere(
    start_gateway: Start, folder: Path
) -> None:
    state = folder / "state"
    state.mkdir()
    with start_gateway("administered", state_dir=state) as gateway:
        assert (state / "admin.sock").stat().st_mode & 0o077 == 0
        assert gateway.get("/config/").status == 404
        assert gateway.stop() == 0
    assert not (state / "admin.sock").exists()
    written = {path.name for path in (folder / "administered").rglob("*") if path.is_file()}
    assert "autosave.json" not in written


def test_a_request_under_way_is_finished_before_the_end(
    start_gateway: Start, upstreams: dict[Service, Upstream]
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(seen: Seen) -> Reply:
        asked.set()
        answer.wait(10)
        return upstreams["catalog"].named(seen)

    upstreams["catalog"].answer = slow
    responses: list[Response] = []
    with start_gateway("stopping") as gateway:
        caller = threading.Thread(target=lambda: responses.append(gateway.get("/api/v1/tracks")))
        caller.start()
        assert asked.wait(10)
        gateway.process.terminate()
        threading.Timer(0.3, answer.set).start()
        assert gateway.process.wait(10) == 0
        caller.join()
    assert responses[0].json() == {"service": "catalog"}


def test_a_request_without_end_does_not_hold_up_the_end(
    start_gateway: Start, upstreams: dict[Service, Upstream]
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def endless(seen: Seen) -> None:
        asked.set()
        answer.wait(20)

    def call(gateway: RunningGateway) -> None:
        with contextlib.suppress(OSError):
            gateway.get("/api/v1/tracks")

    upstreams["catalog"].answer = endless
    with start_gateway("stuck", grace_seconds=0.3) as gateway:
        caller = threading.Thread(target=call, args=(gateway,))
        caller.start()
        assert asked.wait(10)
        started = time.monotonic()
        assert gateway.stop() == 0
        assert 0.2 < time.monotonic() - started < 5
        answer.set()
        caller.join()


def test_a_download_under_way_is_finished_before_the_end(
    start_gateway: Start, upstreams: dict[Service, Upstream], media_root: Path
) -> None:
    audio = b"audio" * 2_000_000  # more than sockets hold, so that it is not sent ahead
    (media_root / "long.m4s").write_bytes(audio)
    upstreams["media"].answer = lambda seen: Reply(headers={"X-Accel-Redirect": "/long.m4s"})
    with (
        start_gateway("sending") as gateway,
        contextlib.closing(connection(gateway.address)) as caller,
    ):
        caller.request("GET", "/media/token/long.m4s")
        answer = caller.getresponse()
        received = answer.read(1000)
        gateway.process.terminate()
        time.sleep(0.5)
        assert gateway.process.poll() is None
        with pytest.raises(OSError, match=r"refused|No such file"):
            gateway.get("/nothing")
        received += answer.read()
        assert gateway.process.wait(5) == 0
    assert received == audio


def test_a_download_without_end_is_cut_off(
    start_gateway: Start, upstreams: dict[Service, Upstream], media_root: Path
) -> None:
    (media_root / "endless.m4s").write_bytes(b"audio" * 2_000_000)
    upstreams["media"].answer = lambda seen: Reply(headers={"X-Accel-Redirect": "/endless.m4s"})
    with (
        start_gateway("cutting", grace_seconds=0.5) as gateway,
        contextlib.closing(connection(gateway.address)) as caller,
    ):
        caller.request("GET", "/media/token/endless.m4s")
        answer = caller.getresponse()
        answer.read(1000)
        started = time.monotonic()
        assert gateway.stop() == 0
        assert 0.4 < time.monotonic() - started < 5
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            answer.read()


def test_an_idle_gateway_stops_at_once(start_gateway: Start) -> None:
    with start_gateway("idle") as gateway:
        gateway.get("/nothing")
        started = time.monotonic()
        assert gateway.stop() == 0
        assert time.monotonic() - started < 2


def test_a_killed_gateway_starts_again_on_the_same_socket(
    start_gateway: Start, folder: Path
) -> None:
    address = f"unix/{folder}/again.sock"
    with start_gateway("killed", listen=address) as gateway:
        gateway.process.kill()
        gateway.process.wait()
    with start_gateway("reborn", listen=address) as gateway:
        assert gateway.get("/nothing").status == 404


def test_the_own_log_is_json_and_warns_of_nothing(gateway: RunningGateway) -> None:
    entries = [json.loads(line) for line in gateway.errors.read_text().splitlines()]
    warnings = [entry["msg"] for entry in entries if entry["level"] != "info"]
    assert warnings == ["admin endpoint disabled"]
