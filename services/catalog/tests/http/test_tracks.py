from collections.abc import Callable
from typing import Any

from catalog.http.answers import TrackOut

Headers = dict[str, str]


def test_a_published_track_shows_what_the_upload_said(
    publish: Callable[..., str], get: Callable[..., Any]
) -> None:
    track_id = publish(
        tags={"artist": "Queen feat. David Bowie", "year": 1982}, cover={"url": "/c.jpg"}
    )
    track = get(f"/tracks/{track_id}")
    TrackOut.model_validate(track)
    assert track["title"] == "Under Pressure"
    assert [(c["name"], c["role"]) for c in track["credits"]] == [
        ("Queen", "primary"),
        ("David Bowie", "featured"),
    ]
    assert track["album"]["title"] == "Hot Space"
    assert track["genres"] == ["Rock"]
    assert track["duration_ms"] == 248_000
    assert track["loudness"] == {"integrated_lufs": -9.5, "true_peak_dbtp": -0.3, "range_lu": 5.0}
    assert track["cover_url"] == "/c.jpg"
    assert track["published_at"].endswith("Z")
