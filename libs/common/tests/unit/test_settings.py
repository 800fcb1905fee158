import pytest

from common.settings import kombu_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("unix:///run/valkey.sock?db=1", "redis+socket:///run/valkey.sock?virtual_host=1"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("redis://cache:6379/2", "redis://cache:6379/2"),
        ("amqp://user@rabbit//", "amqp://user@rabbit//"),
    ],
)
def test_kombu_gets_its_own_spelling(url: str, expected: str) -> None:
    assert kombu_url(url) == expected
