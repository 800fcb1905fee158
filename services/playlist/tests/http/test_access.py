"""Every route: no token 401, a token without the scope 403."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from common.auth.access import access_of
from common.db import new_id
from common.web.openapi import document

ROUTES = [
    ("GET", "/api/v1/playlists", "playlist:read"),
    ("POST", "/api/v1/playlists", "playlist:write"),
    ("GET", "/api/v1/playlists/{id}", "playlist:read"),
    ("PATCH", "/api/v1/playlists/{id}", "playlist:write"),
    ("DELETE", "/api/v1/playlists/{id}", "playlist:write"),
    ("GET", "/api/v1/playlists/{id}/entries", "playlist:read"),
    ("POST", "/api/v1/playlists/{id}/entries", "playlist:write"),
    ("PATCH", "/api/v1/playlists/{id}/entries/{id}", "playlist:write"),
    ("DELETE", "/api/v1/playlists/{id}/entries/{id}", "playlist:write"),
    ("GET", "/api/v1/me/tracks", "library:read"),
    ("GET", "/api/v1/me/tracks/{id}", "library:read"),
    ("PUT", "/api/v1/me/tracks/{id}", "library:write"),
    ("DELETE", "/api/v1/me/tracks/{id}", "library:write"),
    ("GET", "/api/v1/me/history", "library:read"),
    ("POST", "/api/v1/me/history", "library:write"),
]
ALL = {"playlist:read", "playlist:write", "library:read", "library:write"}


def test_the_table_names_every_route(app: Flask) -> None:
    rules = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith("/api/") and method not in ("HEAD", "OPTIONS")
    }
    assert len(rules) == len(ROUTES)


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_without_a_token_nothing_is_answered(
    client: Any, method: str, path: str, scope: str
) -> None:
    answer = client.open(path.replace("{id}", new_id()), method=method)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_every_other_scope_is_not_enough(
    client: Any, log_in: Callable[..., Any], method: str, path: str, scope: str
) -> None:
    headers = log_in(scopes=ALL - {scope})
    answer = client.open(path.replace("{id}", new_id()), method=method, headers=headers)
    assert answer.status_code == 403
    assert scope in answer.json["detail"]


def test_every_view_declares_its_access(app: Flask) -> None:
    assert all(access_of(view) is not None for view in app.view_functions.values())


def test_the_document_tells_every_refusal(app: Flask) -> None:
    paths = document(app)["paths"]
    add = paths["/api/v1/playlists/{playlist_id}/entries"]["post"]["responses"]
    assert {"201", "401", "403", "404", "409", "412", "422"} <= add.keys()
    for status in ("409", "412", "422"):
        assert "application/problem+json" in add[status]["content"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_service_says_how_it_is(client: Any, path: str) -> None:
    assert client.get(path).json["status"] == "ok"
