import pytest

from gateway.routes import Route, RouteTableError, parse_routes


def table(*rows: str) -> str:
    return "routes:\n" + "".join(f"  - {{{row}}}\n" for row in rows)


def test_routes_are_asked_in_order_of_priority() -> None:
    routes = parse_routes(
        table(
            "prefix: /b, service: auth, priority: 20",
            "prefix: /a, service: media, priority: 10",
        )
    )
    assert [route.prefix for route in routes.routes] == ["/a", "/b"]
    assert routes.services == ("auth", "media")


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["prefix: /a, service: billing, priority: 1"], "'auth', 'catalog', 'playlist' or 'media'"),
        (["prefix: a, service: auth, priority: 1"], "bad prefix 'a'"),
        (["prefix: /a/, service: auth, priority: 1"], "bad prefix '/a/'"),
        (["prefix: /, service: auth, priority: 1"], "bad prefix '/'"),
        (['prefix: "/a*", service: auth, priority: 1'], "bad prefix '/a*'"),
        (["prefix: /a/../b, service: auth, priority: 1"], "bad prefix '/a/../b'"),
        (["prefix: /metrics, service: auth, priority: 1"], "/metrics is internal"),
        (["prefix: /a, service: auth, priority: 0"], "greater than or equal to 1"),
        (["prefix: /a, service: auth, priority: 50000"], "less than or equal to 49999"),
        (["prefix: /a, service: auth"], "routes.0.priority: Field required"),
        (["prefix: /a, service: auth, priority: 1, weight: 2"], "weight: Extra inputs"),
        (
            ["prefix: /a, service: auth, priority: 1", "prefix: /a, service: media, priority: 2"],
            "prefix /a is used more than once",
        ),
        (
            ["prefix: /a, service: auth, priority: 1", "prefix: /b, service: auth, priority: 1"],
            "priority 1 is used more than once",
        ),
        (
            ["prefix: /a, service: auth, priority: 1", "prefix: /a/b, service: media, priority: 2"],
            "/a/b is never reached: /a covers it",
        ),
    ],
)
def test_an_unsound_table_is_refused_with_its_fault(rows: list[str], fault: str) -> None:
    with pytest.raises(RouteTableError) as refused:
        parse_routes(table(*rows), "here.yaml")
    assert fault in str(refused.value)
    assert "here.yaml" in str(refused.value)


@pytest.mark.parametrize("text", ["", "routes: []", "[]", "routes: {", "- a"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(RouteTableError, match=r"routes\.yaml"):
        parse_routes(text)


def test_a_longer_prefix_may_come_first() -> None:
    routes = parse_routes(
        table(
            "prefix: /a/b, service: media, priority: 1",
            "prefix: /a, service: auth, priority: 2",
        )
    )
    assert routes.services == ("auth", "media")


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/api/v1/me", True),
        ("/api/v1/me/", True),
        ("/api/v1/me/tracks", True),
        ("/api/v1/media", False),
        ("/api/v1/ME", False),
        ("/api/v1", False),
    ],
)
def test_a_prefix_covers_itself_and_what_is_below(path: str, covered: bool) -> None:
    assert Route(prefix="/api/v1/me", service="playlist", priority=1).covers(path) is covered
