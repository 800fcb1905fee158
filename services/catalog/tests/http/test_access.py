"""Who may call what."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from catalog.app import create_app
from catalog.settings import CatalogSettings
from common.auth.tokens import TokenVerifier
from common.db import Database, new_id

Headers = dict[str, str]


def routes(app: Flask) -> list[tuple[str, str]]:
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            path = rule.build(dict.fromkeys(rule.arguments, new_id()), append_unknown=False)
            assert path is not None
            found += [(method, path[1]) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    return found


def test_every_route_needs_a_token_with_its_scope(
    app: Flask, client: FlaskClient, bearer: Callable[..., Headers]
) -> None:
    assert len(routes(app)) == 24
    for method, path in routes(app):
        writes = method != "GET"
        anonymous = client.open(path, method=method)
        assert anonymous.status_code == 401, path
        assert anonymous.headers["WWW-Authenticate"].startswith("Bearer")
        wrong = bearer(scopes="read" if writes else "write")
        assert client.open(path, method=method, headers=wrong).status_code == 403, path


@pytest.fixture
def open_client(
    settings: CatalogSettings,
    database: Database,
    make_verifier: Callable[[Database], TokenVerifier],
) -> FlaskClient:
    opened = settings.model_copy(update={"public_read": True})
    return create_app(opened, database, make_verifier(database)).test_client()


def test_public_read_opens_the_published_catalog_and_nothing_else(
    open_client: FlaskClient,
    publish: Callable[..., str],
    draft: Callable[..., str],
    owner: Headers,
) -> None:
    public, private = publish("One"), draft("Two")
    assert open_client.get(f"/api/v1/tracks/{public}").status_code == 200
    assert open_client.get(f"/api/v1/tracks/{private}").status_code == 404
    assert open_client.get(f"/api/v1/tracks/{private}", headers=owner).status_code == 200
    assert len(open_client.get("/api/v1/tracks").get_json()["items"]) == 1
    assert open_client.get("/api/v1/tracks?owner_id=me").status_code == 401
    assert open_client.delete(f"/api/v1/tracks/{public}").status_code == 401


def test_what_is_wrong_is_said(client: FlaskClient, owner: Headers) -> None:
    unknown = client.get(f"/api/v1/tracks/{new_id()}", headers=owner)
    assert (unknown.status_code, unknown.mimetype) == (404, "application/problem+json")
    assert unknown.get_json()["detail"] == "There is no such track."
    answers: list[tuple[Any, int]] = [
        (client.get("/api/v1/tracks/not-an-id", headers=owner), 404),
        (client.post("/api/v1/tracks", data="{", content_type="application/json"), 401),
        (client.post("/api/v1/tracks", data="{", headers=owner), 415),
        (
            client.post(
                "/api/v1/tracks", data="{", headers=owner | {"Content-Type": "application/json"}
            ),
            400,
        ),
        (client.put("/api/v1/tracks", headers=owner), 405),
    ]
    assert [response.status_code for response, _ in answers] == [status for _, status in answers]
