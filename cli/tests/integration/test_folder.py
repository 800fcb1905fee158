"""The data folder: secrets, lock, log files of bounded size."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.embedded.folder import (
    CannotStartError,
    load_secrets,
    lock,
    lock_holder,
    open_folder,
)
from antiphon.supervisor.logfile import LogFile


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "data")

    first = load_secrets(folder)

    assert load_secrets(folder) == first
    assert len(set(first.values())) == len(first) >= 2
    assert min(len(secret) for secret in first.values()) >= 32
    assert mode(folder.path / "secrets.json") == 0o600
    assert mode(folder.path) == 0o700


def test_secrets_made_readable_become_private_again(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    load_secrets(folder)
    (tmp_path / "secrets.json").chmod(0o644)

    load_secrets(folder)

    assert mode(tmp_path / "secrets.json") == 0o600


def test_newly_needed_secret_joins_the_old_ones(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    (tmp_path / "secrets.json").write_text('{"MEDIA_URL_SECRET": "old"}')

    assert load_secrets(folder)["MEDIA_URL_SECRET"] == "old"
    assert "AUTH_KEY_PASSPHRASE" in load_secrets(folder)


def test_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStartError, match=r"cannot be written: Not a directory.*--data-dir"):
        open_folder(tmp_path / "file" / "data")


def test_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    hold = (
        "import sys, pathlib\nfrom antiphon.embedded import folder\n"
        "kept = folder.lock(folder.DataFolder(pathlib.Path(sys.argv[1])), 'http://localhost:7')\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(
            CannotStartError, match=rf"as process {other.pid} at http://localhost:7"
        ):
            lock(folder, "http://localhost:8")
        assert lock_holder(folder) == {"pid": other.pid, "url": "http://localhost:7"}
        other.kill()
    assert lock_holder(folder) is None


def test_log_file_stays_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", max_bytes=1000)
    for number in range(200):
        log.write(f"line {number:03}\n".encode())
    log.close()

    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["a.log", "a.log.1"]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert files[0].read_text().endswith("line 199\n")
    assert files[1].read_text().splitlines()[-1] < files[0].read_text().splitlines()[0]


def test_log_file_goes_on_when_it_was_deleted(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", max_bytes=20)
    log.write(b"first line\n")
    (tmp_path / "a.log").unlink()

    log.write(b"second line\n")
    log.close()

    assert (tmp_path / "a.log").read_text() == "second line\n"
