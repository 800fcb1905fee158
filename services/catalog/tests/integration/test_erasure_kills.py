"""An erasure goes on where a killed worker stopped."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import func, insert, select

from catalog.models import Track
from catalog.settings import CatalogSettings
from common.db import Database, new_id
from common.erasure import erased_user
from common.events import Envelope

TRACKS = 1_500


@pytest.fixture
def environment(settings: CatalogSettings) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "CATALOG_DATABASE_URL": settings.database_url,
        "BROKER_URL": settings.broker_url,
        "CACHE_URL": settings.cache_url,
        "JWKS_URL": settings.jwks_url,
        "TOKEN_ISSUER": settings.token_issuer,
        "CONTRACTS_DIR": str(settings.contracts_dir),
    }


@contextmanager
def running_worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run catalog's worker; kill it without a warning at the end."""
    command = [sys.executable, "-m", "catalog.worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def fill(database: Database, owner_id: str) -> None:
    """Give a user many published tracks."""
    with database.transaction() as session:
        common = {"owner_id": owner_id, "state": "published", "title": "x", "title_key": "x"}
        session.execute(insert(Track), [common | {"id": new_id()} for _ in range(TRACKS)])


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "the worker does not get on"
        time.sleep(0.02)


def test_killed_again_and_again_it_erases_all_and_tells_once(
    database: Database,
    environment: dict[str, str],
    owner_id: str,
    deliver: Callable[..., str],
    emitted: Callable[[], list[Envelope]],
) -> None:
    def left() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(Track)) or 0

    def is_fewer_than(before: int) -> bool:
        return left() < before

    def told() -> bool:
        with database.reading() as session:
            return session.scalar(select(erased_user.c.told_rows)) is not None

    fill(database, owner_id)
    deliver("auth.user.deleted.v1", id=owner_id, updated_at="2026-11-23T12:00:00Z")
    kills = 0
    while (before := left()) > TRACKS // 3:
        with running_worker(environment):
            wait_until(partial(is_fewer_than, before))
        kills += 1
    assert kills >= 2, "it was over before anything was killed"
    with running_worker(environment):
        wait_until(told)
    assert left() == 0
    deleted = [e.subject for e in emitted() if e.type == "catalog.track.deleted.v1"]
    assert (len(deleted), len(set(deleted))) == (TRACKS, TRACKS)
    (receipt,) = [e.data for e in emitted() if e.type == "catalog.user_data.erased.v1"]
    assert receipt["rows"] == TRACKS
