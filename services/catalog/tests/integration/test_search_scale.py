"""What search does when a query matches more than is worth ranking."""

from collections.abc import Callable
from typing import Any

import pytest

from catalog.queries import search


def test_what_is_called_like_the_query_is_never_left_out(
    publish: Callable[..., str], get: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MOST_RANKED", 3)
    first = publish("Love", tags={"artist": "A"})
    for number in range(6):
        publish(f"Love song {number}", tags={"artist": "A"})
    found = get("/search", q="love", types="track", limit=4)["tracks"]
    assert found[0]["id"] == first
    assert len(found) == 4
