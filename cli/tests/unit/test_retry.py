from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from antiphon.client.errors import ApiError, ServerBusyError, ServerUnreachableError
from antiphon.client.problems import retry_after_seconds
from antiphon.client.retry import Retry


def failing(*errors: Exception) -> Callable[[], str]:
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def test_waits_double_until_it_works() -> None:
    waits: list[float] = []
    retry = Retry(attempts=5, first_wait=1.0, wait=waits.append)
    assert retry.run(failing(*[ServerUnreachableError("away")] * 3)) == "done"
    assert len(waits) == 3
    for waited, expected in zip(waits, (1, 2, 4), strict=True):
        assert 0.75 * expected <= waited <= 1.25 * expected


def test_the_server_says_how_long_to_wait_within_reason() -> None:
    waits: list[float] = []
    busy = ServerBusyError(429, "slow down")
    busy.retry_after = 7.0
    patient = ServerBusyError(503, "later")
    patient.retry_after = 86_400.0
    Retry(longest_wait=30.0, wait=waits.append).run(failing(busy, patient))
    assert waits == [7.0, 30.0]


def test_gives_up_with_the_last_error() -> None:
    waits: list[float] = []
    with pytest.raises(ServerUnreachableError, match="third"):
        Retry(attempts=3, wait=waits.append).run(
            failing(*map(ServerUnreachableError, ("first", "second", "third")))
        )
    assert len(waits) == 2


def test_a_refusal_is_not_tried_again() -> None:
    waits: list[float] = []
    with pytest.raises(ApiError, match="no such thing"):
        Retry(wait=waits.append).run(failing(ApiError(404, "no such thing")))
    assert waits == []


def test_retry_after_takes_seconds_and_dates() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    assert retry_after_seconds("12") == 12.0
    assert retry_after_seconds(soon) == pytest.approx(90, abs=3)
    assert retry_after_seconds(past) == 0.0
    assert retry_after_seconds(None) is None
    assert retry_after_seconds("next Tuesday") is None
