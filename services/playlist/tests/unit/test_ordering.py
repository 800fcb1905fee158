import pytest
from hypothesis import given
from hypothesis import strategies as st

from playlist.models.ordering import BEYOND, GAP, spread

keys = st.integers(min_value=-(2**60), max_value=2**60)


def test_the_first_entries_of_a_playlist_stand_a_gap_apart() -> None:
    assert spread(None, None, 3) == [0, GAP, 2 * GAP]


@given(left=keys, count=st.integers(1, 200))
def test_appending_never_uses_up_room(left: int, count: int) -> None:
    found = spread(left, None, count)
    assert found == [left + GAP * (index + 1) for index in range(count)]


@given(right=keys, count=st.integers(1, 200))
def test_prepending_never_uses_up_room(right: int, count: int) -> None:
    found = spread(None, right, count)
    assert found is not None
    assert found == sorted(set(found))
    assert (len(found), found[-1]) == (count, right - GAP)


@given(left=keys, width=st.integers(1, GAP), count=st.integers(1, 200))
def test_keys_between_neighbours_are_new_and_in_order(left: int, width: int, count: int) -> None:
    found = spread(left, left + width, count)
    if width <= count:
        assert found is None
    else:
        assert found is not None
        assert [left, *found, left + width] == sorted({left, *found, left + width})
        assert len(found) == count


@pytest.mark.parametrize("count", [1, 200])
def test_a_fresh_gap_always_has_room_for_a_request(count: int) -> None:
    assert spread(0, 1 + GAP, count) is not None


def test_making_room_stays_within_64_bits() -> None:
    assert BEYOND + 2**61 < 2**63
