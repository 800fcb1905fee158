"""Database servers and a Redis that tests kill, start again, wipe and put back in time."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Protocol

import kombu
import redis

from common.settings import kombu_url
from common.testing.mariadb import create_schema, mariadb_url, start_mariadb
from common.testing.valkey import start_valkey

Aof = Literal["off", "everysec", "always"]


class SqlServer(Protocol):
    """Where schemas are."""

    dialect: str
    """`sqlite` or `mariadb`."""

    def url(self, schema: str) -> str:
        """Return the URL of a schema, empty at first."""

    def kill(self) -> None:
        """End the server with SIGKILL."""

    def start(self) -> None:
        """Start it again on what it left; returns when it answers."""

    def close(self) -> None:
        """End it for good."""


class Sqlite:
    """A folder of files. There is no server, so there is none to kill: kill who writes instead."""

    dialect = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, schema: str) -> str:
        return f"sqlite:///{self._folder}/{schema}.db"

    def kill(self) -> None:
        raise NotImplementedError("SQLite has no server; kill the processes that write")

    def start(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to end."""


class MariaDb:
    """A server of its own in `folder`, on a copy of a prepared data directory."""

    dialect = "mariadb"

    def __init__(self, folder: Path, template: Path) -> None:
        self._folder = folder
        shutil.copytree(template, folder / "data")
        self._process = start_mariadb(folder)
        self._urls: dict[str, str] = {}

    def url(self, schema: str) -> str:
        if schema not in self._urls:
            self._urls[schema] = create_schema(mariadb_url(self._folder), schema)
        return self._urls[schema]

    def kill(self) -> None:
        kill(self._process)

    def start(self) -> None:
        self._process = start_mariadb(self._folder)

    def close(self) -> None:
        # Its data is thrown away: an orderly end would be time lost.
        if self._process.poll() is None:
            self.kill()


class RedisServer:
    """A Valkey in `folder`: `broker_url` and `cache_url` are databases 0 and 1 of it.

    `aof` says whether it logs writes and when it syncs that log. Without a log a restart wipes it.
    `TEST_BROKER_URL`, such as `amqp://guest:guest@127.0.0.1:5672//`, names another broker instead,
    for the short tests, one at a time; what befalls this one then only befalls the nudges.
    """

    def __init__(self, folder: Path, aof: Aof = "off") -> None:
        self._folder = folder
        self.aof = aof
        self._log = folder / "appendonlydir"
        self._old_log = folder / "old-appendonlydir"
        self._own_url = f"unix://{folder}/valkey.sock?db=0"
        self.broker_url = os.environ.get("TEST_BROKER_URL", self._own_url)
        self.cache_url = f"unix://{folder}/valkey.sock?db=1"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def client(self) -> Any:
        """Return a connection to the broker's database; the caller closes it."""
        return redis.Redis.from_url(self._own_url)

    def forget_queues(self, services: Iterable[str]) -> None:
        """Delete the queues of services, which a broker that outlives a test still has."""
        with kombu.Connection(kombu_url(self.broker_url)) as connection:
            for service in services:
                connection.default_channel.queue_delete(f"{service}.events")
                connection.default_channel.queue_delete(f"{service}.acks")

    def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue."""
        client = self.client()
        try:
            return int(client.llen(queue))
        finally:
            client.close()

    def start(self) -> None:
        """Start it, with what its log holds; returns when it answers."""
        self._process = start_valkey(self._folder, appendonly=self.aof != "off")
        if self.aof != "off":
            client = self.client()
            client.config_set("appendfsync", self.aof)
            client.close()

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self._process is not None
        kill(self._process)

    def wipe(self) -> None:
        """Forget everything, in mid-stream (FLUSHALL)."""
        client = self.client()
        client.flushall()
        client.close()

    def remember(self) -> None:
        """Keep a copy of the log as it is now, for `rewind`."""
        assert self.aof != "off"
        shutil.rmtree(self._old_log, ignore_errors=True)
        shutil.copytree(self._log, self._old_log)

    def rewind(self) -> None:
        """Kill it and start it with the log as it was at `remember`, as after a failover."""
        self.kill()
        shutil.rmtree(self._log)
        self._old_log.rename(self._log)
        self.start()

    def close(self) -> None:
        """End it for good."""
        if self._process is not None and self._process.poll() is None:
            self.kill()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process with SIGKILL and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait(10)
