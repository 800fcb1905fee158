"""Which tracks may be added, and what becomes of entries whose track goes."""

from collections.abc import Callable
from typing import Any

import pytest

from common.db import new_id

Headers = dict[str, str]
Make = Callable[..., str]
PATH = "/api/v1/playlists"


def test_unknown_tracks_are_named_and_nothing_is_added(
    client: Any, ann: Headers, make_playlist: Make, make_track: Make
) -> None:
    known, unknown, draft = make_track(), new_id(), make_track(state="draft")
    playlist_id = make_playlist()
    body = {"track_ids": [known, unknown, draft]}
    answer = client.post(f"{PATH}/{playlist_id}/entries", headers=ann, json=body)
    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {"field": "track_ids.1", "message": f"there is no track {unknown}"},
        {"field": "track_ids.2", "message": f"there is no track {draft}"},
    ]
    assert client.get(f"{PATH}/{playlist_id}", headers=ann).json["entry_count"] == 0


def test_ones_own_drafts_may_be_added_and_only_oneself_sees_them(
    client: Any, ann: Headers, ann_id: str, bob: Headers, make_playlist: Make, make_track: Make
) -> None:
    track_id = make_track(owner_id=ann_id, state="draft", title="Demo")
    path = f"{PATH}/{make_playlist(track_id, visibility='public')}"
    (mine,) = client.get(path, headers=ann).json["entries"]
    (theirs,) = client.get(path, headers=bob).json["entries"]
    assert (mine["title"], mine["available"]) == ("Demo", True)
    assert (theirs["title"], theirs["available"]) == (None, False)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("catalog.track.deleted.v1", {}),
        ("catalog.track.updated.v1", {"state": "hidden"}),
    ],
)
def test_a_track_that_goes_leaves_its_entry_behind(
    client: Any,
    ann: Headers,
    make_playlist: Make,
    make_track: Make,
    send: Callable[..., None],
    kind: str,
    change: dict[str, str],
) -> None:
    track_id = make_track(title="Gone")
    path = f"{PATH}/{make_playlist(track_id)}"
    fields = {"owner_id": new_id(), "title": "Gone", "credits": [], "state": "published"}
    send(kind, track_id, 2, **fields | change)
    (entry,) = client.get(path, headers=ann).json["entries"]
    expected = {"track_id": track_id, "available": False, "title": None, "artists": []}
    assert entry.items() >= (expected | {"album": None, "duration_ms": None}).items()
