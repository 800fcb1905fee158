from datetime import UTC, datetime, timedelta

import pytest

from media.errors import LinkRefused
from media.services.links import LinkSigner

SIGNER = LinkSigner("a secret for tests only", timedelta(hours=6))


def test_a_token_says_what_it_opens() -> None:
    token, expires_at = SIGNER.sign("asset", 3, download=True)
    link = SIGNER.verify(token)
    assert (link.asset_id, link.attempt, link.download) == ("asset", 3, True)
    assert link.expires_at == expires_at
    assert abs(expires_at - datetime.now(UTC) - timedelta(hours=6)) < timedelta(seconds=3)
    assert "/" not in token


def test_nothing_of_a_token_can_be_changed() -> None:
    token, _ = SIGNER.sign("asset", 3)
    for index in range(0, len(token) - 1, 5):
        other = "A" if token[index] != "A" else "B"
        with pytest.raises(LinkRefused):
            SIGNER.verify(token[:index] + other + token[index + 1 :])


@pytest.mark.parametrize("token", ["", ".", "a.b.c", "x" * 300])
def test_garbage_opens_nothing(token: str) -> None:
    with pytest.raises(LinkRefused):
        SIGNER.verify(token)


def test_another_secret_opens_nothing() -> None:
    token, _ = LinkSigner("another secret", timedelta(hours=6)).sign("asset", 3)
    with pytest.raises(LinkRefused):
        SIGNER.verify(token)


def test_a_token_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    token, expires_at = SIGNER.sign("asset", 3)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: expires_at.timestamp() + 1)
    with pytest.raises(LinkRefused):
        SIGNER.verify(token)
