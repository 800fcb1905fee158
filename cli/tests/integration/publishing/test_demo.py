import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from antiphon.demo.login import read_login
from antiphon.demo.pieces import all_pieces
from antiphon.demo.publishing import publish_demo


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Make a data folder with an album already made: making one has tests of its own."""
    folder = tmp_path / "data" / "demo"
    folder.mkdir(parents=True)
    for number, piece in enumerate(all_pieces(), start=1):
        (folder / f"{number:02} {piece.title}.flac").write_bytes(piece.title.encode() * 1000)
    return folder.parent


def entries(stand_in: Any) -> list[list[str]]:
    return [
        [entry["track_id"] for entry in playlist["entries"]]
        for playlist in stand_in.playlists.values()
    ]


def album_order(stand_in: Any) -> list[str]:
    uploads = sorted(stand_in.uploads.values(), key=lambda upload: upload["filename"])
    return [upload["track_id"] for upload in uploads]


def test_the_album_is_published_liked_and_on_a_playlist(
    stand_in: Any, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.unknown_tracks = 2
    assert publish_demo(stand_in.url, data_dir) == 0
    assert len(stand_in.published()) == 6
    assert entries(stand_in) == [album_order(stand_in)]
    assert stand_in.likes == {album_order(stand_in)[5]}
    printed = capsys.readouterr().out
    assert "6 of them now" in printed
    assert stand_in.users["demo"]["password"] not in printed


def test_the_login_is_kept_for_its_owner_only(stand_in: Any, data_dir: Path) -> None:
    publish_demo(stand_in.url, data_dir)
    path = data_dir / "demo-login.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = json.loads(path.read_text())
    assert kept["username"] == "demo"
    assert len(kept["password"]) >= 20
    assert {each.name for each in data_dir.iterdir()} == {"demo", "demo-login.json"}


def test_again_changes_nothing(
    stand_in: Any, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_demo(stand_in.url, data_dir)
    before = entries(stand_in)
    stand_in.bodies.clear()
    assert publish_demo(stand_in.url, data_dir) == 0
    assert entries(stand_in) == before
    assert stand_in.bodies == []
    assert len(stand_in.users) == 1
    assert "0 of them now" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/auth/register"),
        ("POST", "/api/v1/uploads"),
        ("POST", "/api/v1/playlists"),
    ],
)
def test_an_interruption_anywhere_is_made_good(
    stand_in: Any, data_dir: Path, fault: Callable[..., None], method: str, path: str
) -> None:
    fault(method, path, 403, after=True)
    assert publish_demo(stand_in.url, data_dir) == 1
    assert publish_demo(stand_in.url, data_dir) == 0
    assert len(stand_in.users) == 1
    assert len(stand_in.uploads) == 6
    assert entries(stand_in) == [album_order(stand_in)]


def test_a_deleted_playlist_is_made_again(stand_in: Any, data_dir: Path) -> None:
    publish_demo(stand_in.url, data_dir)
    stand_in.playlists.clear()
    assert publish_demo(stand_in.url, data_dir) == 0
    assert entries(stand_in) == [album_order(stand_in)]


def test_a_track_taken_from_the_playlist_comes_back_alone(stand_in: Any, data_dir: Path) -> None:
    publish_demo(stand_in.url, data_dir)
    (playlist,) = stand_in.playlists.values()
    for place in (2, 5):  # the same one, and again
        lost = playlist["entries"].pop(place)
        assert publish_demo(stand_in.url, data_dir) == 0
        assert len(playlist["entries"]) == 6
        assert playlist["entries"][-1]["track_id"] == lost["track_id"]


def test_somebody_else_called_demo_is_told(
    stand_in: Any, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.users["demo"] = {"id": "1", "username": "demo", "password": "not ours at all"}
    assert publish_demo(stand_in.url, data_dir) == 1
    assert "made with another --data-dir" in capsys.readouterr().out


def test_a_damaged_login_is_told_and_kept(
    stand_in: Any, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_dir / "demo-login.json").write_text("{")
    assert publish_demo(stand_in.url, data_dir) == 1
    assert "cannot be read" in capsys.readouterr().out
    assert (data_dir / "demo-login.json").read_text() == "{"


def test_no_login_is_no_error(tmp_path: Path) -> None:
    assert read_login(tmp_path) is None
