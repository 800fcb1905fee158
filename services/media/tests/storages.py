"""Fixtures of the places where files may be kept, for tests that hold for all of them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cloudinary_standin.client import CloudinaryStandin
from flask import Flask
from player import serve

from media.adapters.cloudinary import CloudinaryStorage
from media.adapters.cloudinary_account import Account
from media.adapters.storage import LocalStorage
from media.ports import Storage

URL_SECRET = "a secret for tests only"

Kept = Callable[[], set[str]]
MakeOld = Callable[[], None]


@pytest.fixture
def storage_kind() -> str:
    """Return where files are kept; tests of both kinds are parametrized with it."""
    return "local"


@pytest.fixture(scope="session")
def standin_process() -> Iterator[CloudinaryStandin]:
    running = CloudinaryStandin()
    yield running
    running.end()


@pytest.fixture
def standin(standin_process: CloudinaryStandin) -> CloudinaryStandin:
    """Return the stand-in for Cloudinary, empty and in good order."""
    standin_process.reset()
    return standin_process


@pytest.fixture
def cloudinary_url(storage_kind: str, request: pytest.FixtureRequest) -> str | None:
    if storage_kind == "local":
        return None
    standin: CloudinaryStandin = request.getfixturevalue("standin")
    return standin.url


@pytest.fixture
def storage(storage_dir: Path, cloudinary_url: str | None) -> Storage:
    if cloudinary_url is None:
        return LocalStorage(storage_dir)
    return CloudinaryStorage(Account(cloudinary_url), storage_dir / "incoming", URL_SECRET)


@pytest.fixture
def kept(storage_dir: Path, storage_kind: str, request: pytest.FixtureRequest) -> Kept:
    """Return a function that gives the keys of all files in storage."""
    if storage_kind == "cloudinary":
        standin: CloudinaryStandin = request.getfixturevalue("standin")
        return standin.keys

    def list_files() -> set[str]:
        files = (path for path in storage_dir.rglob("*") if path.is_file())
        return {str(path.relative_to(storage_dir)) for path in files}

    return list_files


@pytest.fixture
def make_old(storage_dir: Path, storage_kind: str, request: pytest.FixtureRequest) -> MakeOld:
    """Return a function that makes all stored and temporary files old."""

    def make() -> None:
        for path in (storage_dir, *storage_dir.rglob("*")):
            os.utime(path, (1, 1))
        if storage_kind == "cloudinary":
            standin: CloudinaryStandin = request.getfixturevalue("standin")
            standin.age(hours=24)

    return make


@pytest.fixture
def player(app: Flask, storage_dir: Path) -> Iterator[str]:
    """Return the URL of the application, served behind a gateway."""
    with serve(app, storage_dir) as url:
        yield url
