"""A hint over Redis that there is work, so that workers need not poll fast. It may get lost."""

import contextlib
import time

import redis


class Nudge:
    """Wakes a service's worker. Redis being away costs latency, never correctness."""

    _RETRY_AFTER = 1.0
    # NAT and failovers end connections without a word, which who only listens never notices:
    # redis-py's health check sends pings, and does not miss the answers.
    _RENEW_AFTER = 30.0

    def __init__(self, url: str, service: str) -> None:
        self._channel = f"antiphon.nudge.{service}"
        self._redis = redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25)
        self._pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        self._down_until = 0.0
        self._renew_at = 0.0

    def send(self) -> None:
        """Wake the worker; after a failure, do not even try for a second."""
        if time.monotonic() < self._down_until:
            return
        try:
            self._redis.publish(self._channel, b"")
        except redis.RedisError:
            self._down_until = time.monotonic() + self._RETRY_AFTER

    def wait(self, seconds: float) -> bool:
        """Wait for a nudge, at most `seconds`; say whether one came. For one thread only."""
        started = time.monotonic()
        try:
            if started >= self._renew_at:
                self._pubsub.reset()
            if not self._pubsub.subscribed:
                self._pubsub.subscribe(self._channel)
                self._renew_at = started + self._RENEW_AFTER
            nudged = self._pubsub.get_message(timeout=seconds) is not None
            # A burst of writes is one reason to wake.
            while self._pubsub.get_message(timeout=0):
                pass
        except redis.RedisError:
            with contextlib.suppress(redis.RedisError):
                self._pubsub.reset()
            time.sleep(max(0.0, seconds - (time.monotonic() - started)))
            return False
        return nudged

    def close(self) -> None:
        """Close the connections."""
        self._pubsub.close()
        self._redis.close()
