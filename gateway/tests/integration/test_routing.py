from pathlib import Path

import pytest
import yaml

from gateway.routes import RouteTable, Service
from gateway.testing.running import Response, RunningGateway
from gateway.testing.upstream import Upstream, json_reply

TABLE = yaml.safe_load((Path(__file__).parent.parent / "paths.yaml").read_text())["paths"]
SERVED: dict[str, Service] = {row["path"]: row["service"] for row in TABLE if row["service"]}
NOBODYS: list[str] = [row["path"] for row in TABLE if row["service"] is None]


def assert_problem(response: Response, status: int, title: str) -> None:
    """The body is a problem of RFC 9457 that names this request."""
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "request_id"}
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", title, status)
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert len(problem["detail"]) > 20
    assert response.headers["Server"] is None


@pytest.mark.parametrize(("path", "service"), SERVED.items(), ids=SERVED)
def test_a_path_reaches_its_service(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], path: str, service: Service
) -> None:
    response = gateway.get(path)
    assert (response.status, response.json()) == (200, {"service": service})
    assert [seen.target for seen in upstreams[service].seen] == [path]


@pytest.mark.parametrize("path", NOBODYS)
def test_a_near_miss_is_nobodys(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], path: str
) -> None:
    response = gateway.get(path)
    assert_problem(response, 404, "Not Found")
    assert "/docs" in response.json()["detail"]
    assert not any(upstream.seen for upstream in upstreams.values())
    told = response.body + str(response.headers.items()).encode()
    for service in (b"auth", b"catalog", b"playlist", b"media", b"addy"):
        assert service not in told


def test_each_prefix_is_in_the_table_of_paths(routes: RouteTable) -> None:
    for route in routes.routes:
        assert SERVED.get(route.prefix) == route.service
        assert any(path.startswith(f"{route.prefix}/") for path in SERVED), route.prefix


@pytest.mark.parametrize("path", ["/api/v1/me/../auth/token", "/api/v1/me/%2e%2e/%2e%2e/metrics"])
def test_a_service_sees_the_path_that_chose_it(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], path: str
) -> None:
    # No second reading of the path: what matched the prefix is what is forwarded.
    gateway.get(path)
    assert [seen.target for seen in upstreams["playlist"].seen] == [path]
    assert upstreams["auth"].seen == []


@pytest.mark.parametrize(
    "target",
    [
        "/api/v1/me/%2Fx%20y/%C3%A9?a=1;b=2&c=%zz&d=%2B+&e",
        "/api/v1/me//double//slash/",
        "/api/v1/me?",
        "/api/v1/me/%7Bhttp.request.host%7D?{env.HOME}=$1",
    ],
)
def test_path_and_query_arrive_byte_for_byte(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], target: str
) -> None:
    gateway.get(target)
    assert [seen.target for seen in upstreams["playlist"].seen] == [target]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_and_its_body_arrive(
    gateway: RunningGateway, upstreams: dict[Service, Upstream], method: str
) -> None:
    upstreams["catalog"].answer = lambda seen: json_reply(seen.body.decode())
    response = gateway.request(method, "/api/v1/tracks", body=b"some text")
    assert (response.status, response.json()) == (200, "some text")
    assert [seen.method for seen in upstreams["catalog"].seen] == [method]


def test_the_root_leads_to_the_docs(gateway: RunningGateway, routes: RouteTable) -> None:
    response = gateway.get("/")
    assert (response.status, response.headers["Location"]) == (302, "/docs")
    assert any(route.covers("/docs") for route in routes.routes)


def test_status_and_headers_of_a_service_come_back(
    gateway: RunningGateway, upstreams: dict[Service, Upstream]
) -> None:
    answer = json_reply({}, Location="/api/v1/playlists/1", Access_Control_Allow_Origin="https://a")
    upstreams["playlist"].answer = lambda seen: answer
    headers = gateway.request("POST", "/api/v1/playlists", body=b"{}").headers
    assert headers["Location"] == "/api/v1/playlists/1"
    assert headers["Access-Control-Allow-Origin"] == "https://a"
