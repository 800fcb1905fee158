from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from catalog.http.answers import LyricsOut
from common.db import new_id

Headers = dict[str, str]
LRC = "[00:01.00]Pressure\n[00:03.20]pushing down on me"


def test_lyrics_from_first_to_last(
    publish: Callable[..., str], client: FlaskClient, owner: Headers, get: Callable[..., Any]
) -> None:
    track_id = publish()
    path = f"/tracks/{track_id}/lyrics"
    get(path, status=404)
    assert get(f"/tracks/{track_id}")["lyrics_url"] is None
    response = client.put(f"/api/v1{path}", json={"synced": LRC}, headers=owner)
    assert response.status_code == 200, response.text
    shown = get(path)
    LyricsOut.model_validate(shown)
    assert shown["synced"] == LRC
    assert shown["plain"] == "Pressure\npushing down on me"
    track = get(f"/tracks/{track_id}")
    assert track["lyrics_url"] == f"/api/v1{path}"
    client.put(f"/api/v1{path}", json={"plain": "la la"}, headers=owner)
    assert (get(path)["plain"], get(path)["synced"]) == ("la la", None)
    assert get(f"/tracks/{track_id}")["version"] == track["version"] + 1
    assert client.delete(f"/api/v1{path}", headers=owner).status_code == 204
    get(path, status=404)
    assert client.delete(f"/api/v1{path}", headers=owner).status_code == 204


def test_lyrics_in_the_tags_are_kept(publish: Callable[..., str], get: Callable[..., Any]) -> None:
    track_id = publish(tags={"lyrics": "Mm ba ba de"})
    assert get(f"/tracks/{track_id}/lyrics")["plain"] == "Mm ba ba de"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plain": ""},
        {"synced": "no times"},
        {"plain": "x\0"},
        {"plain": "x" * 50_001},
        {"a": 1},
    ],
)
def test_odd_lyrics_are_refused(
    body: dict[str, Any], publish: Callable[..., str], client: FlaskClient, owner: Headers
) -> None:
    response = client.put(f"/api/v1/tracks/{publish()}/lyrics", json=body, headers=owner)
    assert response.status_code == 422, response.text


def test_lyrics_are_as_private_as_their_track(
    draft: Callable[..., str],
    publish: Callable[..., str],
    client: FlaskClient,
    owner: Headers,
    stranger: Headers,
    get: Callable[..., Any],
) -> None:
    private, public = draft(tags={"lyrics": "secret"}), publish("Two")
    get(f"/tracks/{private}/lyrics", by=owner)
    get(f"/tracks/{private}/lyrics", by=stranger, status=404)
    for track_id, status in ((private, 404), (public, 403), (new_id(), 404)):
        path = f"/api/v1/tracks/{track_id}/lyrics"
        assert client.put(path, json={"plain": "x"}, headers=stranger).status_code == status
        assert client.delete(path, headers=stranger).status_code == status
