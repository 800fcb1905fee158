"""A read-through cache of bytes with generations and stampede protection.

Own code rather than dogpile.cache: see docs/adr (waiters there take the lock one after another).
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import redis
from sqlalchemy.orm import Session

from common.db import after_commit
from common.logging import get_logger

log = get_logger(__name__)

Load = Callable[[], bytes]

_LOADING_SECONDS = 5
_POLL_SECONDS = 0.02


class Cache:
    """Bytes by key. Without Redis every read just loads: an outage costs speed, nothing else."""

    _RETRY_AFTER = 1.0

    def __init__(self, url: str, service: str, ttl_seconds: int = 60) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25)
        self._prefix = f"antiphon.{service}"
        # Bounds how long an entry outlives a change whose process died before it raised the
        # generation.
        self._ttl = ttl_seconds
        self._down_until = 0.0

    def get_or_load(self, groups: Sequence[str], key: str, load: Load) -> bytes:
        """Return the bytes of `key`, loading them once however many ask at the same time.

        `groups` name what the bytes are made of: raising any group's generation voids them.
        """
        if time.monotonic() < self._down_until:
            return load()
        try:
            entry = self._entry_name(groups, key)
            cached = self._redis.get(entry)
            if isinstance(cached, bytes):
                return cached
            if not self._redis.set(f"{entry}.loading", b"1", nx=True, ex=_LOADING_SECONDS):
                cached = self._wait_for(entry)
            else:  # somebody may have stored it since we looked
                cached = self._redis.get(entry)
            if isinstance(cached, bytes):
                return cached
        except redis.RedisError as error:
            self._note_outage(error)
            return load()
        try:
            value = load()
        except Exception:
            self._release(entry)  # the next one need not wait for us
            raise
        self._store(entry, value)
        return value

    def raise_generation(self, *groups: str) -> None:
        """Void every entry made of these groups."""
        try:
            pipe = self._redis.pipeline(transaction=False)
            for group in groups:
                pipe.incr(f"{self._prefix}.generation.{group}")
            pipe.execute()
        except redis.RedisError as error:
            self._note_outage(error)

    def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self._redis.ping())
        except redis.RedisError:
            return False

    def _entry_name(self, groups: Sequence[str], key: str) -> str:
        names = [f"{self._prefix}.generation.{group}" for group in groups]
        generations = cast("list[bytes | None]", self._redis.mget(names))
        digest = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
        marks = "-".join(
            f"{group}{int(g or 0)}" for group, g in zip(groups, generations, strict=True)
        )
        return f"{self._prefix}.entry.{marks}.{digest}"

    def _wait_for(self, entry: str) -> bytes | None:
        deadline = time.monotonic() + _LOADING_SECONDS
        while time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            if not self._redis.exists(f"{entry}.loading"):
                break
        # The value is stored before the mark goes: one last look.
        return cast("bytes | None", self._redis.get(entry))

    def _store(self, entry: str, value: bytes) -> None:
        try:
            pipe = self._redis.pipeline(transaction=False)
            pipe.set(entry, value, ex=self._ttl)
            pipe.delete(f"{entry}.loading")
            pipe.execute()
        except redis.RedisError as error:
            self._note_outage(error)

    def _release(self, entry: str) -> None:
        try:
            self._redis.delete(f"{entry}.loading")
        except redis.RedisError as error:
            self._note_outage(error)

    def _note_outage(self, error: redis.RedisError) -> None:
        self._down_until = time.monotonic() + self._RETRY_AFTER
        log.warning("cache_unavailable", error=repr(error))


def invalidate(session: Session, *groups: str) -> None:
    """Void what was cached from these groups, if and when this transaction commits."""
    cache: Cache | None = session.info.get("cache")
    if cache is not None:
        after_commit(session, _Raise(cache, groups))


@dataclass(frozen=True)
class _Raise:
    """Equal to its like, so that a transaction of many changes raises a generation once."""

    cache: Cache
    groups: tuple[str, ...]

    def __call__(self) -> None:
        self.cache.raise_generation(*self.groups)
