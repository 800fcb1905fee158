import pytest

from media.adapters.hls import bitrates_kbps, output_rate


@pytest.mark.parametrize(
    ("source", "encoded"),
    [(44100, 44100), (48000, 48000), (96000, 48000), (88200, 44100), (192000, 48000),
     (8000, 48000), (22050, 44100), (11025, 44100), (37800, 48000), (32000, 32000)],
)  # fmt: skip
def test_the_sampling_rate_is_one_that_players_take(source: int, encoded: int) -> None:
    assert output_rate(source) == encoded


@pytest.mark.parametrize(
    ("rate", "channels", "expected"),
    [(44100, 2, (64, 128, 256)), (48000, 2, (64, 128, 256)), (44100, 1, (64, 128, 132)),
     (48000, 1, (64, 128, 144)), (8000, 1, (32, 32, 32)), (22050, 2, (64, 128, 132))],
)  # fmt: skip
def test_bit_rates_never_exceed_what_the_source_can_use(
    rate: int, channels: int, expected: tuple[int, ...]
) -> None:
    assert bitrates_kbps(rate, channels) == expected
