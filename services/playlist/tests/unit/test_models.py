import pytest

from common.errors import Conflict, Invalid, PreconditionFailed
from playlist.models import MAX_ENTRIES, Play, Playlist, SavedTrack, Visibility, check_position


def make(**fields: object) -> Playlist:
    return Playlist(**{"name": "Mix", "version": 3, "entry_count": 0} | fields)


@pytest.mark.parametrize(
    ("visibility", "is_open"),
    [(Visibility.PRIVATE, False), (Visibility.UNLISTED, True), (Visibility.PUBLIC, True)],
)
def test_only_private_playlists_are_closed_to_others(visibility: str, is_open: bool) -> None:
    assert make(visibility=visibility).is_open is is_open


def test_a_change_counts_entries_and_raises_the_version() -> None:
    playlist = make(entry_count=2)
    playlist.change(added=-1)
    assert (playlist.entry_count, playlist.version) == (1, 4)


def test_a_playlist_takes_entries_up_to_its_limit() -> None:
    playlist = make(entry_count=MAX_ENTRIES - 2)
    playlist.check_room(2)
    with pytest.raises(Conflict, match=r"10000 entries; this one has 9998 and would get 3 more"):
        playlist.check_room(3)


def test_expecting_another_version_fails() -> None:
    playlist = make(version=3)
    playlist.expect(None)
    playlist.expect({2, 3})
    with pytest.raises(PreconditionFailed):
        playlist.expect({2})
    with pytest.raises(PreconditionFailed):
        playlist.expect(frozenset())


def test_a_position_past_the_end_is_refused() -> None:
    check_position(3, 3)
    with pytest.raises(Invalid) as caught:
        check_position(4, 3)
    assert [(error.field, error.message) for error in caught.value.errors] == [
        ("position", "must be at most 3")
    ]


@pytest.mark.parametrize(
    ("played_ms", "duration_ms", "counts"),
    [
        (30_000, None, True),
        (29_999, None, False),
        (30_000, 600_000, True),
        (29_999, 600_000, False),
        (10_000, 20_000, True),
        (9_999, 20_000, False),
        (10_000, 20_001, False),
        (0, 0, False),
        (0, None, False),
    ],
)
def test_a_play_counts_from_30_s_or_half_the_track(
    played_ms: int, duration_ms: int | None, counts: bool
) -> None:
    assert Play.counts(played_ms, duration_ms) is counts


def test_turning_a_like_on_and_off_counts_only_changes() -> None:
    row = SavedTrack(user_id="u", track_id="t", saved=False, version=0)
    turns = [row.turn(saved=saved) for saved in (False, True, True, False, False, True)]
    assert turns == [False, True, False, True, False, True]
    assert (row.saved, row.version) == (True, 3)
