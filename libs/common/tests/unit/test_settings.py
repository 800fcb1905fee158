import pytest

from common.settings import ServiceSettings, kombu_url, load, prefixed


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("unix:///run/valkey.sock?db=1", "redis+socket:///run/valkey.sock?virtual_host=1"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("redis://cache:6379/2", "redis://cache:6379/2"),
        ("rediss://cache:6379/2", "rediss://cache:6379/2?ssl_cert_reqs=CERT_REQUIRED"),
        (
            "rediss://cache?ssl_ca_certs=/ca.pem",
            "rediss://cache?ssl_ca_certs=/ca.pem&ssl_cert_reqs=CERT_REQUIRED",
        ),
        ("rediss://cache?ssl_cert_reqs=none", "rediss://cache?ssl_cert_reqs=none"),
        ("amqp://user@rabbit//", "amqp://user@rabbit//"),
    ],
)
def test_kombu_gets_its_own_spelling(url: str, expected: str) -> None:
    assert kombu_url(url) == expected


class ExampleSettings(ServiceSettings):
    model_config = prefixed("EXAMPLE_")

    colour: int


@pytest.mark.parametrize("namespace", ["music player", ":music", "m" * 256])
def test_a_namespace_that_cloudwatch_would_not_take_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, namespace: str
) -> None:
    monkeypatch.setenv("CLOUDWATCH_NAMESPACE", namespace)
    with pytest.raises(SystemExit, match="CLOUDWATCH_NAMESPACE: String should match pattern"):
        load(ExampleSettings)


def test_what_is_missing_is_named_as_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_COLOUR", "blue")
    monkeypatch.setenv("BROKER_URL", "redis://here")
    with pytest.raises(SystemExit) as stop:
        load(ExampleSettings)
    message = str(stop.value)
    assert "EXAMPLE_DATABASE_URL: Field required" in message
    assert "EXAMPLE_COLOUR: Input should be a valid integer" in message
    assert "CACHE_URL" in message
    assert "BROKER_URL" not in message
