"""However much is listed or added, a route runs the same statements."""

from collections.abc import Callable
from typing import Any

import pytest

Headers = dict[str, str]
Make = Callable[..., str]


@pytest.fixture
def statements(
    client: Any, ann: Headers, count_queries: Callable[[], Any]
) -> Callable[..., list[str]]:
    """Return a function that makes a request and gives the statements that it ran."""

    def run(method: str, path: str, body: Any = None) -> list[str]:
        with count_queries() as found:
            answer = client.open(path, method=method, headers=ann, json=body)
        assert answer.status_code < 300, answer.text
        # The revocations are read once a second, whatever the route.
        return [text for text in found if text[:5] != "BEGIN" and "FROM revocation" not in text]

    return run


@pytest.fixture
def make_tracks(make_artist: Make, make_track: Make) -> Callable[[int], list[str]]:
    return lambda count: [make_track(make_artist(str(n))) for n in range(count)]


@pytest.mark.parametrize(("path", "most"), [("", 3), ("/entries", 3)])
def test_reading_a_playlist(
    statements: Any, make_playlist: Make, make_tracks: Any, path: str, most: int
) -> None:
    small, large = make_playlist(*make_tracks(1)), make_playlist(*make_tracks(40))
    counts = [len(statements("GET", f"/api/v1/playlists/{p}{path}")) for p in (small, large)]
    assert counts == [most, most]


def test_listing_playlists(statements: Any, make_playlist: Make) -> None:
    make_playlist()
    first = statements("GET", "/api/v1/playlists")
    for _ in range(10):
        make_playlist()
    assert len(statements("GET", "/api/v1/playlists")) == len(first) == 1


@pytest.mark.parametrize("position", [None, 0, 1])
def test_adding_entries(
    statements: Any, make_playlist: Make, make_tracks: Any, position: int | None
) -> None:
    tracks = make_tracks(40)
    path = f"/api/v1/playlists/{make_playlist(*make_tracks(2))}/entries"
    one = statements("POST", path, {"track_ids": tracks[:1], "position": position})
    many = statements("POST", path, {"track_ids": tracks, "position": position})
    assert len(many) == len(one) <= 11


def test_moving_and_removing_an_entry(
    client: Any, ann: Headers, statements: Any, make_playlist: Make, make_tracks: Any
) -> None:
    moves, removals = [], []
    for size in (3, 40):
        path = f"/api/v1/playlists/{make_playlist(*make_tracks(size))}/entries"
        entry = f"{path}/{client.get(path, headers=ann).json['items'][0]['id']}"
        moves.append(len(statements("PATCH", entry, {"position": 1})))
        removals.append(len(statements("DELETE", entry)))
    assert moves[0] == moves[1] <= 10
    assert removals[0] == removals[1] <= 6


def test_listing_likes_and_history(
    client: Any, ann: Headers, statements: Any, make_tracks: Any
) -> None:
    counts = []
    for size in (1, 30):
        for track_id in make_tracks(size):
            client.put(f"/api/v1/me/tracks/{track_id}", headers=ann)
            body = {"track_id": track_id, "played_ms": 1}
            client.post("/api/v1/me/history", headers=ann, json=body)
        paths = ("/api/v1/me/tracks", "/api/v1/me/history")
        counts.append([len(statements("GET", path)) for path in paths])
    assert counts == [[2, 2], [2, 2]]
