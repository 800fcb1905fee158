"""Which Redis is taken, and how its two databases are named."""

from pathlib import Path

import pytest

from antiphon.embedded.folder import CannotStartError
from antiphon.embedded.redis_server import command, given_urls, parse_version

VALKEY = "Valkey server v=9.1.2 sha=00000000:1 malloc=jemalloc-5.3.0 bits=64 build=abc"
REDIS = "Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=def"


@pytest.mark.parametrize(
    ("told", "name", "version"),
    [(VALKEY, "Valkey", (9, 1, 2)), (REDIS, "Redis", (6, 0, 16))],
)
def test_reads_versions(told: str, name: str, version: tuple[int, ...]) -> None:
    engine = parse_version(Path("/bin/server"), told)

    assert engine is not None
    assert (engine.name, engine.version) == (name, version)


def test_knows_no_other_program() -> None:
    assert parse_version(Path("/bin/server"), "nginx version: 1.27") is None


@pytest.mark.parametrize(
    ("given", "broker", "cache"),
    [
        ("redis://h:7000", "redis://h:7000/0", "redis://h:7000/1"),
        ("rediss://u:p@h/4", "rediss://u:p@h/4", "rediss://u:p@h/5"),
        ("unix:///s.sock", "unix:///s.sock?db=0", "unix:///s.sock?db=1"),
        ("unix:///s.sock?db=2", "unix:///s.sock?db=2", "unix:///s.sock?db=3"),
    ],
)
def test_given_redis_holds_broker_and_cache(given: str, broker: str, cache: str) -> None:
    urls = given_urls(given)

    assert (urls.broker, urls.cache) == (broker, cache)


@pytest.mark.parametrize("given", ["http://h", "localhost:6379", "redis://h/name"])
def test_refuses_what_is_no_redis_url(given: str) -> None:
    with pytest.raises(CannotStartError, match="REDIS_URL"):
        given_urls(given)


def test_private_server_keeps_every_second_and_opens_no_port() -> None:
    engine = parse_version(Path("/bin/server"), VALKEY)
    assert engine is not None

    words = command(engine, "/run/a/redis.sock", Path("/data/redis/valkey-9"))
    options = dict(zip(words[1::2], words[2::2], strict=True))

    assert words[0] == "/bin/server"
    assert options["--port"] == "0"
    assert options["--unixsocket"] == "/run/a/redis.sock"
    assert (options["--appendonly"], options["--appendfsync"]) == ("yes", "everysec")
