"""What clients ask of the four services while these are stopped and started: reads and writes."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from urllib.parse import urlencode
from uuid import uuid4

from gateway.testing.load import Load, Maker, Outcome, Request
from gateway.testing.running import connection

_PASSWORD = "a password for tests"
SERVICES = ("auth", "catalog", "playlist", "media")
_SLOW_SECONDS = 1.5
_READS = {
    "auth": "/api/v1/users/me",
    "catalog": "/api/v1/tracks",
    "playlist": "/api/v1/me/tracks",
    "media": "/api/v1/uploads",
}
# What a write makes, by the name that it was given.
MADE = {
    "auth": "SELECT username FROM user",
    "catalog": "SELECT title FROM track",
    "playlist": "SELECT name FROM playlist",
    "media": "SELECT filename FROM upload",
}


def token_of_a_new_user(address: str) -> str:
    """Register somebody through the gateway and return an access token."""
    name = f"conductor-{uuid4().hex[:8]}"
    account = {"username": name, "password": _PASSWORD}
    register = json.dumps(account | {"email": f"{name}@example.org"}).encode()
    form = urlencode(account | {"grant_type": "password"}).encode()
    with closing(connection(address)) as caller:
        for path, content_type, body in (
            ("/api/v1/auth/register", "application/json", register),
            ("/api/v1/auth/token", "application/x-www-form-urlencoded", form),
        ):
            caller.request("POST", path, body, {"Content-Type": content_type})
            answer = caller.getresponse()
            text = answer.read().decode()
            assert answer.status < 300, text
    return str(json.loads(text)["access_token"])


def clients(token: str, services: Iterable[str] = SERVICES) -> list[Maker]:
    """Return for each service a client that reads, one that writes and one that writes slowly."""
    makers: list[Maker] = []
    load = uuid4().hex[:8]
    for service in services:
        makers.append(partial(_read, service, token))
        makers.append(partial(write, service, token, f"quick-{load}", 0.0))
        makers.append(partial(write, service, token, f"slow-{load}", _SLOW_SECONDS))
    return makers


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return in one line how many requests there were and how long they took."""
    seconds = sorted(outcome.seconds for outcome in outcomes if not outcome.request.trickle_seconds)
    methods = Counter(outcome.request.method for outcome in outcomes)
    count = ", ".join(f"{number} {method}" for method, number in sorted(methods.items()))
    return (
        f"{count}; p50 {_quantile(seconds, 0.5):.0f} ms, p99 {_quantile(seconds, 0.99):.0f} ms, "
        f"max {seconds[-1] * 1000:.0f} ms"
    )


def assert_each_made_once(load: Load, service: str, made: Iterable[str]) -> None:
    """Check that what was acknowledged exists once, and that nothing exists twice."""
    counts = Counter(made)
    acknowledged = load.acknowledged(f"{service}-")
    assert acknowledged, f"nothing was made in {service}"
    assert [marker for marker in acknowledged if counts[marker] != 1] == []
    assert [marker for marker, count in counts.items() if count > 1] == []


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] * 1000


def _read(service: str, token: str, _number: int) -> Request:
    return Request("GET", _READS[service], headers={"Authorization": f"Bearer {token}"})


def write(
    service: str,
    token: str,
    client: str,
    trickle: float,
    number: int,
    audio: Callable[[], bytes] = lambda: b"fLaC" + os.urandom(50_000),
) -> Request:
    """Return a request that makes something with a name of its own, sent in `trickle` seconds."""
    marker = f"{service}-{client}-{number}"
    path, content_type, body, status = _making(service, marker, audio)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
    return Request("POST", path, body, headers, status, marker, trickle)


def _making(service: str, marker: str, audio: Callable[[], bytes]) -> tuple[str, str, bytes, int]:
    """Return path, type and body of a request that makes something, and the status it gets."""
    if service == "media":
        return "/api/v1/uploads", "multipart/form-data; boundary=edge", _form(marker, audio()), 202
    account = {"email": f"{marker}@example.org", "password": _PASSWORD}
    path, value = {
        "auth": ("/api/v1/auth/register", account | {"username": marker}),
        "catalog": ("/api/v1/tracks", {"title": marker}),
        "playlist": ("/api/v1/playlists", {"name": marker}),
    }[service]
    return path, "application/json", json.dumps(value).encode(), 201


def _form(name: str, audio: bytes) -> bytes:
    disposition = f'form-data; name="file"; filename="{name}"'
    head = f"--edge\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
    return head + audio + b"\r\n--edge--\r\n"
