import threading
import time

import pytest

from common.cache import Cache


def test_a_value_is_loaded_once_until_its_group_changes(cache: Cache) -> None:
    loads: list[bytes] = []

    def load() -> bytes:
        loads.append(b"x")
        return b"%d" % len(loads)

    assert cache.get_or_load(["albums"], "/albums", load) == b"1"
    assert cache.get_or_load(["albums"], "/albums", load) == b"1"
    cache.raise_generation("tracks")
    assert cache.get_or_load(["albums"], "/albums", load) == b"1"
    cache.raise_generation("albums")
    assert cache.get_or_load(["albums"], "/albums", load) == b"2"


def test_a_stampede_loads_once(cache: Cache) -> None:
    loads: list[int] = []
    results: list[bytes] = []

    def load() -> bytes:
        loads.append(1)
        time.sleep(0.2)
        return b"value"

    def read() -> None:
        results.append(cache.get_or_load(["g"], "key", load))

    readers = [threading.Thread(target=read) for _ in range(20)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert results == [b"value"] * 20
    assert len(loads) == 1


def test_a_failed_load_makes_nobody_wait(cache: Cache) -> None:
    def fail() -> bytes:
        raise LookupError

    started = time.monotonic()
    for _ in range(3):
        with pytest.raises(LookupError):
            cache.get_or_load(["g"], "unknown", fail)
    assert time.monotonic() - started < 1


def test_without_redis_every_read_loads(tmp_path: object) -> None:
    cache = Cache(f"unix://{tmp_path}/nobody.sock", "test")
    started = time.monotonic()
    assert [cache.get_or_load(["g"], "key", lambda: b"v") for _ in range(50)] == [b"v"] * 50
    cache.raise_generation("g")
    assert not cache.ping()
    assert time.monotonic() - started < 2
