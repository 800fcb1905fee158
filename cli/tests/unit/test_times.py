from datetime import UTC, datetime, timedelta

import pytest

from antiphon.bus.times import format_age, format_time, parse_time

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("45s", timedelta(seconds=45)),
        ("30m", timedelta(minutes=30)),
        (" 2 H ", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_an_age_is_counted_back_from_now(text: str, age: timedelta) -> None:
    assert parse_time(text, NOW) == NOW - age


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T09:30:00Z",
        "2026-11-24T09:30:00",
        "2026-11-24 09:30",
        "2026-11-24T10:30:00+01:00",
    ],
)
def test_a_time_without_zone_is_utc(text: str) -> None:
    assert parse_time(text, NOW) == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2x", "yesterday", "999999w", "2026-13-01", "2h30m"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write it as 2026"):
        parse_time(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0.2 s"), (34, "34 s"), (93, "1.55 min"), (9000, "2.5 h"), (5 * 86400, "5 d")],
)
def test_ages_are_in_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_times_are_utc_to_the_second() -> None:
    assert format_time(NOW) == "2026-11-24T12:00:00Z"
    assert format_time(None) == "-"


def test_an_age_with_a_minus_is_told_how_to_write_it() -> None:
    with pytest.raises(ValueError, match="'2h', without the minus"):
        parse_time("-2h", NOW)
