import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_openapi import APIBlueprint
from sqlalchemy.exc import OperationalError

from common.auth import current_identity, public, requires, revoke
from common.auth.tokens import TokenVerifier
from common.db import Database, utcnow
from common.errors import Conflict, FieldError
from common.testing.plugin import MakeDatabase
from common.tracing import Span, TraceContext
from common.web import PageQuery, cached_json, create_service_app
from common.web.openapi import document

MintToken = Callable[..., str]


@pytest.fixture
def app(
    make_database: MakeDatabase, make_verifier: Callable[[Database], TokenVerifier], cache: Any
) -> Flask:
    database = make_database("auth")
    return create_service_app(
        "auth",
        database=database,
        verifier=make_verifier(database),
        apis=[_routes()],
        cors_origins=["https://app.example.org"],
        cache=cache,
        open_scopes=frozenset({"open:read"}),
        max_body_bytes=1000,
    )


def _routes() -> APIBlueprint:
    api = APIBlueprint("things", __name__, url_prefix="/things")
    calls: list[int] = []

    @api.get("/open")
    @requires(scope="open:read")
    def read_open() -> Any:
        """Read."""
        return {"who": "anybody"}

    @api.get("/mine")
    @requires(scope="mine:read")
    def read_mine(query: PageQuery) -> Any:
        """Read."""
        return {"user": current_identity().user_id, "limit": query.limit}

    @api.get("/admin")
    @requires(role="admin")
    def read_admin() -> Any:
        """Read."""
        return {}

    @api.get("/counted")
    @public
    def read_counted() -> Any:
        """Read."""
        calls.append(1)
        return cached_json("things", load=lambda: {"calls": len(calls)})

    @api.get("/forgotten")
    def read_forgotten() -> Any:
        """Read."""
        return {}

    @api.get("/conflict")
    @public
    def read_conflict() -> Any:
        """Read."""
        raise Conflict("It is taken.", [FieldError("name", "taken")])

    @api.get("/bug")
    @public
    def read_bug() -> Any:
        """Read."""
        raise KeyError("secret detail")

    @api.get("/paged")
    @public
    def read_paged(query: PageQuery) -> Any:
        """Read."""
        return {"items": [1, 2], "next_cursor": None if query.cursor else "abc_-1"}

    @api.get("/wrong-answer")
    @public
    def read_wrong_answer() -> Any:
        """Read."""
        return PageQuery.model_validate({"limit": "secret"})

    @api.get("/away")
    @public
    def read_away() -> Any:
        """Read."""
        raise OperationalError("SELECT secret", {}, Exception("connection lost"))

    return api


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _get(client: FlaskClient, path: str, token: str | None = None, **headers: str) -> Any:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return client.get(path, headers=headers)


def test_a_route_that_declares_nothing_is_refused(client: FlaskClient) -> None:
    response = _get(client, "/things/forgotten")
    assert response.status_code == 500
    assert response.json["detail"] == "This route does not say who may use it."


def test_access_is_checked_before_the_input_is_read(
    client: FlaskClient, mint_token: MintToken
) -> None:
    assert _get(client, "/things/mine?limit=nonsense").status_code == 401
    assert _get(client, "/things/mine?limit=nonsense", mint_token()).status_code == 403
    token = mint_token(scopes=["mine:read"], user_id="u1")
    assert _get(client, "/things/mine?limit=nonsense", token).status_code == 422
    assert _get(client, "/things/mine?limit=201", token).status_code == 422
    assert _get(client, "/things/mine?surprise=1", token).status_code == 422
    assert _get(client, "/things/mine", token).json == {"user": "u1", "limit": 50}


def test_roles_count(client: FlaskClient, mint_token: MintToken) -> None:
    assert _get(client, "/things/admin", mint_token(roles=["listener"])).status_code == 403
    assert _get(client, "/things/admin", mint_token(roles=["admin"])).status_code == 200


def test_an_open_scope_needs_no_token_and_a_bad_token_is_still_refused(
    client: FlaskClient,
) -> None:
    assert _get(client, "/things/open").status_code == 200
    assert _get(client, "/things/open", "forged").status_code == 401


_PROBLEMS = (
    ("conflict", 409),
    ("bug", 500),
    ("wrong-answer", 500),  # what we build wrongly is no fault of the caller
    ("away", 503),
    ("nowhere", 404),
)


def test_errors_are_problems_without_inside_knowledge(client: FlaskClient) -> None:
    for path, status in _PROBLEMS:
        response = _get(client, f"/things/{path}")
        assert response.status_code == status
        assert response.mimetype == "application/problem+json"
        assert response.json["status"] == status
        assert response.json["request_id"] == response.headers["X-Request-Id"]
        assert "secret" not in response.text
        assert "Traceback" not in response.text
    assert _get(client, "/things/conflict").json["errors"] == [
        {"field": "name", "message": "taken"}
    ]
    assert _get(client, "/things/away").headers["Retry-After"] == "2"
    wrong_method = client.delete("/things/open")
    assert wrong_method.status_code == 405
    assert "GET" in wrong_method.headers["Allow"]


def test_a_request_id_is_kept_if_it_is_sane(client: FlaskClient) -> None:
    given = _get(client, "/healthz", **{"X-Request-Id": "abc-12345678"})
    assert given.headers["X-Request-Id"] == "abc-12345678"
    for odd in ("x", "a" * 65, "not sane!"):
        made = _get(client, "/healthz", **{"X-Request-Id": odd})
        assert made.headers["X-Request-Id"] != odd


def test_an_answer_names_its_trace(client: FlaskClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    given = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    for path in ("open", "nowhere", "bug"):
        assert trace == _get(client, f"/things/{path}", **given).headers["traceresponse"][3:35]
    etag = _get(client, "/things/open").headers["ETag"]
    unchanged = _get(client, "/things/open", **given, **{"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.headers["traceresponse"][3:35]) == (304, trace)
    made = {_get(client, "/things/open").headers["traceresponse"][3:35] for _ in range(3)}
    assert len(made) == 3


def test_reads_carry_a_strong_etag(client: FlaskClient) -> None:
    first = _get(client, "/things/open")
    etag = first.headers["ETag"]
    assert not etag.startswith("W/")
    again = _get(client, "/things/open", **{"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert _get(client, "/things/open", **{"If-None-Match": '"other"'}).status_code == 200


def test_a_read_of_another_version_is_refused_without_its_body(client: FlaskClient) -> None:
    etag = _get(client, "/things/open").headers["ETag"]
    assert _get(client, "/things/open", **{"If-Match": etag}).status_code == 200
    refused = _get(client, "/things/open", **{"If-Match": '"other"'})
    assert (refused.status_code, refused.mimetype) == (412, "application/problem+json")
    assert refused.json["request_id"] == refused.headers["X-Request-Id"]


def test_a_body_is_read_to_its_end_though_it_is_refused(client: FlaskClient) -> None:
    for path, size in (("open", 900), ("mine", 900), ("nowhere", 900), ("open", 200_000)):
        body = io.BytesIO(bytes(size))
        sent = {"input_stream": body, "content_length": size}
        assert client.post(f"/things/{path}", **sent).status_code in (404, 405)
        assert body.tell() == size


def test_a_body_that_never_ends_is_not_read_for_ever(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.web.app._READ_ON_SECONDS", 0.05)
    with Path("/dev/zero").open("rb") as endless:
        response = client.get("/things/mine", input_stream=endless, content_length=1 << 60)
    assert response.status_code == 401


def test_a_path_with_empty_parts_is_nothing(client: FlaskClient) -> None:
    for path in ("//things/open", "/things//open", "/things/open//"):
        response = _get(client, path)
        assert (response.status_code, response.mimetype) == (404, "application/problem+json")


def test_cached_answers_change_when_their_group_does(client: FlaskClient, cache: Any) -> None:
    assert _get(client, "/things/counted").json == {"calls": 1}
    assert _get(client, "/things/counted").json == {"calls": 1}
    assert _get(client, "/things/counted?page=2").json == {"calls": 3}
    cache.raise_generation("things")
    assert _get(client, "/things/counted").json == {"calls": 4}


def test_only_listed_origins_get_cors_headers(client: FlaskClient) -> None:
    mine = _get(client, "/things/open", Origin="https://app.example.org")
    assert mine.headers["Access-Control-Allow-Origin"] == "https://app.example.org"
    foreign = _get(client, "/things/open", Origin="https://evil.example.org")
    assert "Access-Control-Allow-Origin" not in foreign.headers
    preflight = client.options(
        "/things/mine",
        headers={
            "Origin": "https://app.example.org",
            "Access-Control-Request-Method": "GET",
        },
    )
    assert preflight.status_code == 204
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]


def test_a_revoked_session_is_out(app: Flask, client: FlaskClient, mint_token: MintToken) -> None:
    token = mint_token(scopes=["mine:read"], session_id="01938b1c-8a22-7d10-9b1e-5f0c2d7e8a02")
    with app.extensions["database"].transaction() as session:
        revoke(
            session,
            kind="session",
            subject_id="01938b1c-8a22-7d10-9b1e-5f0c2d7e8a02",
            revoked_at=utcnow(),
        )
    assert _get(client, "/things/mine", token).status_code == 401
    assert _get(client, "/things/mine", mint_token(scopes=["mine:read"])).status_code == 200


def test_a_late_revocation_does_not_revive_tokens(
    app: Flask, client: FlaskClient, mint_token: MintToken
) -> None:
    user_id = "01938b1c-7f10-7c3e-8f53-1d2b6a9e4c01"
    token = mint_token(scopes=["mine:read"], user_id=user_id)
    now = utcnow()
    for at in (now, now - timedelta(hours=1)):  # deleted, then the older news of disabled
        with app.extensions["database"].transaction() as session:
            revoke(session, kind="user", subject_id=user_id, revoked_at=at)
    assert _get(client, "/things/mine", token).status_code == 401


def test_a_page_links_to_the_next(client: FlaskClient) -> None:
    first = _get(client, "/things/paged?limit=2")
    assert first.headers["Link"] == '</things/paged?limit=2&cursor=abc_-1>; rel="next"'
    last = _get(client, "/things/paged?limit=2&cursor=abc_-1")
    assert "Link" not in last.headers


def test_the_document_lists_every_status(app: Flask) -> None:
    operation = document(app)["paths"]["/things/mine"]["get"]
    assert operation["operationId"] == "read_mine"
    assert operation["responses"].keys() == {"401", "403", "414", "422", "503"}
    for response in operation["responses"].values():
        assert response["content"].keys() == {"application/problem+json"}
    assert operation["security"] == [{"bearer": []}]
    assert "Needs scope `mine:read`." in operation["description"]
    assert "security" not in document(app)["paths"]["/things/bug"]["get"]


def test_metrics_count_routes_not_paths(client: FlaskClient) -> None:
    _get(client, "/things/open")
    _get(client, "/things/nowhere-in-particular")
    text = _get(client, "/metrics").text
    assert 'route="/things/open",status="200"' in text
    assert "nowhere-in-particular" not in text


def test_invented_methods_do_not_become_labels(client: FlaskClient) -> None:
    for number in range(3):
        client.open("/things/open", method=f"EVIL{number}")
    text = _get(client, "/metrics").text
    assert "EVIL" not in text
    assert 'method="other"' in text


def test_probes_are_no_spans(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded: list[Recorded] = []

    @contextmanager
    def record(*_: object) -> Iterator[Span]:
        recorded.append(Recorded(TraceContext(f"00-{'1' * 32}-{'2' * 16}-01")))
        yield recorded[-1]

    monkeypatch.setattr("common.tracing._recorder", record)
    for path in ("/healthz", "/readyz", "/metrics", "/things/open"):
        assert _get(client, path).status_code == 200
    assert [span.name for span in recorded] == ["GET /things/open"]


class Recorded(Span):
    name = ""

    def describe(self, name: str, **_attributes: str | int) -> None:
        self.name = name
