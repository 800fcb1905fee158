"""Creating requests that come twice."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from catalog.models import Album, Artist, Track
from common.db import Database, new_id, utcnow
from common.events import Envelope
from common.idempotency import idempotency_key

Headers = dict[str, str]


@pytest.fixture
def artist_id(client: FlaskClient, owner: Headers) -> str:
    made = client.post("/api/v1/artists", json={"name": "Nina"}, headers=owner)
    return str(made.get_json()["id"])


@pytest.mark.parametrize(
    ("path", "fields", "model"),
    [
        ("artists", {"name": "Joe"}, Artist),
        ("albums", {"title": "Live"}, Album),
        ("tracks", {"title": "Sinnerman"}, Track),
    ],
)
def test_what_comes_again_is_made_once(
    client: FlaskClient,
    owner: Headers,
    artist_id: str,
    database: Database,
    emitted: Callable[[], list[Envelope]],
    path: str,
    fields: dict[str, Any],
    model: type[Artist | Album | Track],
) -> None:
    def count() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    body = fields | ({"artist_id": artist_id} if path == "albums" else {})
    before, headers = count(), owner | {"Idempotency-Key": new_id()}
    first = client.post(f"/api/v1/{path}", json=body, headers=headers)
    assert first.status_code == 201, first.text
    told = len(emitted())
    again = client.post(f"/api/v1/{path}", json=body, headers=headers)
    assert (again.status_code, again.data) == (201, first.data)
    assert (count(), len(emitted())) == (before + 1, told)


def test_kept_answers_go_with_the_account(
    client: FlaskClient,
    owner: Headers,
    owner_id: str,
    stranger: Headers,
    deliver: Callable[..., str],
    erase: Callable[[], None],
    database: Database,
) -> None:
    for headers in (owner, stranger):
        key = {"Idempotency-Key": new_id()}
        client.post("/api/v1/artists", json={"name": "Joe"}, headers=headers | key)
    deliver("auth.user.deleted.v1", id=owner_id, updated_at=utcnow().isoformat())
    erase()
    with database.reading() as session:
        (left,) = session.scalars(select(idempotency_key.c.user_id))
    assert left != owner_id
