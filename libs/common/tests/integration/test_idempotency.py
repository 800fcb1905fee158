"""Requests with an Idempotency-Key, on a real database."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_openapi import APIBlueprint
from sqlalchemy import Column, Integer, String, Table, event, func, insert, select, update
from sqlalchemy.exc import OperationalError

from common.auth import public, requires
from common.auth.tokens import TokenVerifier
from common.db import Database, new_id, new_metadata
from common.errors import Conflict
from common.idempotency import (
    Answer,
    KeyedRequest,
    claim,
    forget_answers,
    idempotency_key,
    keep,
    prune_answers,
)
from common.testing.plugin import MakeDatabase
from common.web import Schema, create_service_app, idempotent, writing
from common.web.idempotency import answer_belongs_to
from common.web.openapi import document
from common.web.problems import problem

THREADS = 20

metadata = new_metadata()
thing = Table(
    "thing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
)


class ThingNew(Schema):
    name: str
    colour: str = "red"


class BoxPath(Schema):
    box: int


class Shop:
    """The application under test, and what its tests ask of it."""

    def __init__(self, database: Database, verifier: TokenVerifier, mint: Callable[..., str]):
        self.database, self._mint = database, mint
        self.closed = 0
        """How many more orders to refuse, slowly."""
        self._lock = threading.Lock()
        apis = [_routes(self)]
        self.app: Flask = create_service_app(
            "auth", database=database, verifier=verifier, apis=apis, cache=None
        )
        self.token = self.log_in()

    def log_in(self, user_id: str | None = None) -> str:
        return self._mint(scopes=["thing:write"], user_id=user_id or new_id())

    def order(
        self, key: str | None, name: str = "lamp", path: str = "/things", **options: Any
    ) -> Any:
        token = options.pop("token", self.token)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        options.setdefault("json", {"name": name})
        return self.app.test_client().post(path, headers=headers, **options)

    def make(self, name: str) -> int:
        with writing() as session:
            session.execute(insert(thing).values(name=name))
            found = session.execute(select(func.max(thing.c.id))).scalar_one()
        self._refuse_if_closed()
        return int(found)

    def _refuse_if_closed(self) -> None:
        with self._lock:
            refuse, self.closed = self.closed > 0, self.closed - 1
        if refuse:
            time.sleep(0.3)  # so that the others wait for it
            raise Conflict("We are closed.")

    @property
    def made(self) -> int:
        with self.database.reading() as session:
            return session.execute(select(func.count()).select_from(thing)).scalar_one()

    def kept(self) -> list[Any]:
        with self.database.reading() as session:
            query = select(idempotency_key).where(idempotency_key.c.status.is_not(None))
            return list(session.execute(query))

    def age_answers(self, by: timedelta) -> None:
        with self.database.transaction() as session:
            (row,) = session.execute(select(idempotency_key)).all()
            session.execute(update(idempotency_key).values(created_at=row.created_at - by))

    @contextmanager
    def failing_commits(self) -> Iterator[None]:
        def fail(_connection: Any) -> None:
            raise OperationalError("COMMIT", {}, Exception("connection lost"))

        event.listen(self.database.engine, "commit", fail)
        yield
        event.remove(self.database.engine, "commit", fail)


def _routes(shop: Shop) -> APIBlueprint:
    api = APIBlueprint("things", __name__, url_prefix="/things")

    @api.post("")
    @requires(scope="thing:write")
    @idempotent
    def make_thing(body: ThingNew) -> Any:
        """Make."""
        made = shop.make(body.name)
        return {"id": made}, 201, {"Location": f"/things/{made}", "ETag": '"1"', "X-Other": "no"}

    @api.post("/boxes/<int:box>")
    @requires(scope="thing:write")
    @idempotent
    def fill_box(path: BoxPath, body: ThingNew) -> Any:
        """Make in a box."""
        return {"id": shop.make(body.name), "box": path.box}, 201

    @api.post("/public")
    @public
    @idempotent
    def make_public_thing(body: ThingNew) -> Any:
        """Make for whoever asks."""
        made = shop.make(body.name)
        answer_belongs_to(body.colour)
        return {"id": made}, 201

    @api.post("/secret")
    @requires(scope="thing:write")
    @idempotent
    def make_secret(body: ThingNew) -> Any:
        """Answer what must not be stored."""
        return {"id": shop.make(body.name), "token": "x"}, 201, {"Cache-Control": "no-store"}

    @api.post("/refused")
    @requires(scope="thing:write")
    @idempotent
    def make_and_refuse(body: ThingNew) -> Any:
        """Make, and say that it went wrong."""
        shop.make(body.name)
        return problem(409, "On second thoughts, no.")

    @api.post("/plain")
    @requires(scope="thing:write")
    def make_plain(body: ThingNew) -> Any:
        """Make, whatever the key."""
        return {"id": shop.make(body.name)}, 201

    return api


@pytest.fixture
def shop(
    make_database: MakeDatabase,
    make_verifier: Callable[[Database], TokenVerifier],
    mint_token: Callable[..., str],
) -> Shop:
    database = make_database("auth", metadata)
    return Shop(database, make_verifier(database), mint_token)


def test_the_same_request_gets_the_same_answer_and_makes_nothing(shop: Shop) -> None:
    key = new_id()
    first, again = shop.order(key), shop.order(key)
    assert (again.status_code, again.data) == (first.status_code, first.data) == (201, first.data)
    for name in ("Content-Type", "Location", "ETag"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert shop.made == 1


def test_without_a_key_each_request_makes_one(shop: Shop) -> None:
    assert [shop.order(None).status_code for _ in range(2)] == [201, 201]
    assert shop.made == 2
    assert shop.kept() == []


def test_a_key_in_quotes_and_a_body_in_another_order_are_the_same(shop: Shop) -> None:
    first = shop.order("k1", data='{"name": "lamp", "colour": "blue"}', **_JSON)
    again = shop.order('"k1"', data='{"colour":"blue","name":"lamp"}', **_JSON)
    assert again.data == first.data
    assert shop.made == 1


_JSON: dict[str, Any] = {"json": None, "content_type": "application/json"}


@pytest.mark.parametrize(
    ("path", "other", "name"),
    [
        ("/things", "/things", "chair"),
        ("/things", "/things?fast=1", "lamp"),
        ("/things/boxes/1", "/things/boxes/2", "lamp"),
    ],
)
def test_a_key_of_another_request_is_refused(shop: Shop, path: str, other: str, name: str) -> None:
    assert shop.order("k1", path=path).status_code == 201
    refused = shop.order("k1", name, path=other)
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert refused.json["errors"][0]["field"] == "Idempotency-Key"
    assert shop.made == 1


def test_a_key_is_ones_own_and_the_routes(shop: Shop) -> None:
    mine = shop.order("k1").json["id"]
    assert shop.order("k1", token=shop.log_in()).json["id"] != mine
    assert shop.order("k1", path="/things/boxes/1").json["id"] != mine
    assert shop.made == 3


@pytest.mark.parametrize("key", ["", "two words", '"open', 'close"', '""', "é", "x" * 129])
def test_a_key_that_cannot_be_read_is_refused(shop: Shop, key: str) -> None:
    refused = shop.order(key)
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")
    assert "Idempotency-Key" in refused.json["detail"]
    assert shop.made == 0


def test_the_longest_and_the_shortest_key_are_taken(shop: Shop) -> None:
    assert [shop.order(key).status_code for key in ("x", "~" * 128)] == [201, 201]


def test_who_proves_nothing_needs_a_key_that_nobody_guesses(shop: Shop) -> None:
    public_order: dict[str, Any] = {"path": "/things/public", "token": None}
    assert shop.order("k" * 31, **public_order).status_code == 400
    key = new_id()
    first, again = (shop.order(key, **public_order) for _ in range(2))
    assert first.json == again.json
    assert shop.made == 1
    other = shop.order(key, json={"name": "lamp", "colour": "blue"}, **public_order)
    assert other.status_code == 422


def test_a_refusal_is_not_kept(shop: Shop) -> None:
    shop.closed = 1
    assert shop.order("k1").status_code == 409
    assert (shop.made, shop.kept()) == (0, [])
    assert shop.order("k1", "chair").status_code == 201  # nothing came of the other request
    assert shop.made == 1


def test_a_refusal_that_is_returned_takes_back_what_was_made(shop: Shop) -> None:
    refused = shop.order("k1", path="/things/refused")
    assert (refused.status_code, refused.json["detail"]) == (409, "On second thoughts, no.")
    assert (shop.made, shop.kept()) == (0, [])


def test_the_thing_and_the_answer_are_committed_together(shop: Shop) -> None:
    with shop.failing_commits():
        assert shop.order("k1").status_code == 503
    assert (shop.made, shop.kept()) == (0, [])
    assert shop.order("k1").status_code == 201
    assert (shop.made, len(shop.kept())) == (1, 1)


def test_neither_secrets_nor_keys_are_stored(shop: Shop) -> None:
    assert shop.order("k1", path="/things/secret").status_code == 500
    assert (shop.made, shop.kept()) == (0, [])
    key, password = new_id(), "correct horse"
    assert shop.order(key, password).status_code == 201
    (row,) = shop.kept()
    assert key not in str(row)
    assert password not in str(row)


def test_an_answer_is_kept_a_day(shop: Shop) -> None:
    first = shop.order("k1").json
    shop.age_answers(timedelta(hours=23))
    assert shop.order("k1").json == first
    shop.age_answers(timedelta(hours=2))
    assert shop.order("k1", "chair").json != first  # free for another request, pruned or not
    assert shop.order("k1", "chair").status_code == 201
    assert (shop.made, len(shop.kept())) == (2, 1)


def test_old_answers_are_pruned_in_small_batches(shop: Shop) -> None:
    shop.order("old")
    shop.age_answers(timedelta(hours=25))
    shop.order("young")
    with shop.database.transaction() as session:
        assert prune_answers(session) == 1
    with shop.database.transaction() as session:
        assert prune_answers(session) == 0
    assert len(shop.kept()) == 1


def test_answers_go_with_the_account(shop: Shop) -> None:
    ann, bob = new_id(), new_id()
    for user in (ann, bob):
        shop.order("k1", token=shop.log_in(user))
        body = {"name": "lamp", "colour": user}
        shop.order(new_id(), path="/things/public", token=None, json=body)
    with shop.database.transaction() as session:
        forget_answers(session, ann)
    assert [row.user_id for row in shop.kept()] == [bob, bob]


def test_a_key_that_went_with_its_account_meanwhile_does_no_harm(shop: Shop) -> None:
    request, answer = KeyedRequest("d" * 64, "f" * 64), Answer(201, {}, "{}")
    with shop.database.transaction() as session:
        assert claim(session, request) is None
        keep(session, request, answer, None)
    assert shop.kept() == []


def test_many_at_once_make_one(shop: Shop) -> None:
    answers = _all_at_once(lambda: shop.order("k1"))
    assert {(answer.status_code, answer.data) for answer in answers} == {(201, answers[0].data)}
    assert shop.made == 1


def test_when_the_first_of_many_fails_the_next_makes_it(shop: Shop) -> None:
    shop.closed = 1
    answers = _all_at_once(lambda: shop.order("k1"))
    assert Counter(answer.status_code for answer in answers) == {409: 1, 201: THREADS - 1}
    assert len({answer.data for answer in answers}) == 2
    assert shop.made == 1


def _all_at_once(work: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(THREADS)

    def start(_number: int) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


def test_the_document_tells_of_the_key(shop: Shop) -> None:
    paths = document(shop.app)["paths"]
    assert document(shop.app)["paths"] == paths
    (parameter,) = paths["/things"]["post"]["parameters"]
    assert (parameter["name"], parameter["in"]) == ("Idempotency-Key", "header")
    assert parameter["schema"]["minLength"] == 1
    assert paths["/things/public"]["post"]["parameters"][0]["schema"]["minLength"] == 32
    assert paths["/things"]["post"]["responses"].keys() >= {"400", "422"}
    assert "parameters" not in paths["/things/plain"]["post"]
