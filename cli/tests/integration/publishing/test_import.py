import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from antiphon.client.api import AntiphonClient
from antiphon.client.resources import Tokens
from antiphon.client.retry import Retry
from antiphon.demo.login import Login, write_login
from antiphon.importing.display import Bars, Lines
from antiphon.importing.report import Outcome, Report
from antiphon.importing.run import Import, StoppedError, wait_unless_stopped
from antiphon.importing.session import import_music, print_report
from antiphon.importing.walking import find_audio

UPLOADS = "/api/v1/uploads"
WAIT_SECONDS = 30.0


@pytest.fixture
def run_import(client: AntiphonClient, music: Path) -> Callable[..., Report]:
    def run(**options: Any) -> Report:
        files = find_audio(music).files
        with Lines(Console(file=sys.stdout), music, len(files)) as display:
            return Import(client, files, display, stop=threading.Event(), **options).run()

    return run


def test_all_files_become_tracks(
    run_import: Callable[..., Report], stand_in: Any, music: Path
) -> None:
    report = run_import()
    assert report.counts() == {Outcome.PUBLISHED: 6}
    assert report.exit_code == 0
    sent = sorted(content for _, content, _ in stand_in.bodies)
    assert sent == sorted(path.read_bytes() for path in music.rglob("*.mp3"))
    tracks = {result.track_id for result in report.results.values()}
    assert tracks == {upload["track_id"] for upload in stand_in.uploads.values()}


def test_again_sends_nothing(run_import: Callable[..., Report], stand_in: Any) -> None:
    run_import()
    stand_in.bodies.clear()
    assert run_import().counts() == {Outcome.ALREADY_THERE: 6}
    assert stand_in.bodies == []


def test_equal_files_are_one_track(
    run_import: Callable[..., Report], stand_in: Any, music: Path
) -> None:
    (music / "copy.mp3").write_bytes((music / "album 0/00 song.mp3").read_bytes())
    report = run_import()
    assert report.exit_code == 0
    assert len(report.results) == 7
    assert len(stand_in.uploads) == 6


def test_a_bad_file_fails_alone_and_says_why(
    run_import: Callable[..., Report], stand_in: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.broken["03 song.mp3"] = "There is no audio in it."
    report = run_import()
    assert report.counts() == {Outcome.PUBLISHED: 5, Outcome.FAILED: 1}
    assert report.exit_code == 1
    assert re.search(
        r"failed +album 1/03 song.mp3: There is no audio in it\.", capsys.readouterr().out
    )


def test_a_failed_upload_is_attempted_anew(
    run_import: Callable[..., Report], stand_in: Any
) -> None:
    stand_in.broken["03 song.mp3"] = "The disk was full."
    run_import()
    stand_in.broken.clear()
    assert run_import().counts() == {Outcome.ALREADY_THERE: 5, Outcome.PUBLISHED: 1}


def test_trouble_on_the_way_costs_no_file(
    run_import: Callable[..., Report], stand_in: Any, fault: Callable[..., None]
) -> None:
    fault("POST", UPLOADS, 0)
    fault("POST", UPLOADS, 503)
    fault("POST", UPLOADS, 429, {"Retry-After": "0"})
    fault("GET", UPLOADS, 0)
    assert run_import().counts() == {Outcome.PUBLISHED: 6}
    assert not stand_in.faults


def test_an_answer_lost_after_the_last_byte_costs_no_second_transfer(
    run_import: Callable[..., Report], stand_in: Any, fault: Callable[..., None]
) -> None:
    for _ in range(3):
        fault("POST", UPLOADS, 0, after=True)
    assert run_import().counts() == {Outcome.PUBLISHED: 6}
    assert len(stand_in.bodies) == 6


def test_a_refused_file_fails_alone(
    run_import: Callable[..., Report], fault: Callable[..., None]
) -> None:
    fault("POST", UPLOADS, 413)
    report = run_import(jobs=1)
    assert report.counts() == {Outcome.PUBLISHED: 5, Outcome.FAILED: 1}
    assert "A fault of the test" in report.having([Outcome.FAILED])[0].detail


def test_an_upload_that_vanishes_is_a_failure(
    run_import: Callable[..., Report], stand_in: Any
) -> None:
    stand_in.processing = False
    files = threading.Timer(1.0, stand_in.uploads.clear)
    files.start()
    report = run_import()
    files.join()
    assert report.counts() == {Outcome.FAILED: 6}


def test_a_server_that_stands_still_is_not_waited_for_for_ever(
    run_import: Callable[..., Report], stand_in: Any
) -> None:
    stand_in.processing = False
    report = run_import(patience_seconds=0.2)
    assert report.counts() == {Outcome.IN_PROGRESS: 6}
    assert report.exit_code == 1


def test_a_server_that_is_gone_ends_the_import(free_port_url: str, music: Path) -> None:
    stop = threading.Event()
    client = AntiphonClient(free_port_url, Retry(attempts=2, first_wait=0.01))
    client._tokens = Tokens(access_token="x", refresh_token="y", expires_in=600)
    client._renew_at = float("inf")
    files = find_audio(music).files
    with Lines(Console(file=sys.stdout), music, 6) as display:
        report = Import(client, files, display, stop=stop).run()
    assert report.counts() == {Outcome.NOT_SENT: 6}
    assert "No answer" in report.lost
    assert report.exit_code == 1


def test_a_file_without_permission_or_end_fails_alone(
    run_import: Callable[..., Report], stand_in: Any, music: Path, monkeypatch: Any
) -> None:
    real = Path.open

    def broken(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self.name == "02 song.mp3":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", broken)
    report = run_import()
    assert report.counts() == {Outcome.PUBLISHED: 5, Outcome.FAILED: 1}
    assert "Permission denied" in report.having([Outcome.FAILED])[0].detail


def test_a_stop_ends_waiting_at_once() -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(StoppedError):
        wait_unless_stopped(stop)(60)


def test_bars_show_every_stage(client: AntiphonClient, music: Path) -> None:
    (music / "[red]odd[bold].mp3").write_bytes(b"odd" * 1000)
    console = Console(record=True, force_terminal=True, width=120, file=io.StringIO())
    files = find_audio(music).files
    with Bars(console, music, len(files)) as display:
        report = Import(client, files, display, stop=threading.Event()).run()
    assert report.exit_code == 0
    assert "7/7" in console.export_text()


def start(stand_in: Any, music: Path, *options: str, **environ: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "antiphon", "import", str(music), "--url", stand_in.url]
    return subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env={"PATH": os.environ["PATH"], "ANTIPHON_PASSWORD": "correct horse", **environ},
    )


@pytest.mark.usefixtures("client")
def test_the_command_imports_and_prints_plain_lines(stand_in: Any, music: Path) -> None:
    stand_in.broken["05 song.mp3"] = "Not music."
    (music / "cover.jpg").write_bytes(b"jpeg")
    odd = music / os.fsdecode(b"caf\xe9\n.mp3")
    odd.write_bytes(b"odd")
    process = start(stand_in, music, "--username", "ada")
    printed = process.communicate(timeout=WAIT_SECONDS)[0]
    assert process.returncode == 1
    assert "Found 7 audio files in music; 1 other files are ignored." in printed
    assert "published  caf\ufffd\ufffd.mp3" in printed
    assert re.search(r"^published +6$", printed, re.MULTILINE)
    assert re.search(r"^failed +1$", printed, re.MULTILINE)
    assert "failed: album 1/05 song.mp3: Not music." in printed
    assert "\x1b" not in printed


@pytest.mark.usefixtures("client")
def test_ctrl_c_stops_cleanly_and_the_next_run_goes_on(stand_in: Any, music: Path) -> None:
    stand_in.block_seconds = 1.0
    stand_in.processing = False
    process = start(stand_in, music, "--email", "ada", "--jobs", "2")
    while len(stand_in.bodies) < 2 and process.poll() is None:
        threading.Event().wait(0.02)
    process.send_signal(signal.SIGINT)
    printed = process.communicate(timeout=WAIT_SECONDS)[0]
    assert process.returncode == 130, printed
    assert "not sent" in printed
    assert "Run the same command again" in printed
    assert "Traceback" not in printed
    stand_in.block_seconds, stand_in.processing = 0.0, True
    process = start(stand_in, music, "--username", "ada")
    printed = process.communicate(timeout=WAIT_SECONDS)[0]
    assert process.returncode == 0, printed
    assert len(stand_in.published()) == 6
    assert len(stand_in.bodies) == 6, "nothing was sent twice"


@pytest.mark.usefixtures("client")
def test_a_dry_run_asks_and_sends_nothing(stand_in: Any, music: Path) -> None:
    process = start(stand_in, music, "--username", "ada", "--dry-run")
    printed = process.communicate(timeout=WAIT_SECONDS)[0]
    assert process.returncode == 0
    assert re.search(r"^would be uploaded +6$", printed, re.MULTILINE)
    assert stand_in.uploads == {}


def test_without_a_login_the_way_to_one_is_told(
    stand_in: Any, music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = import_music(music, stand_in.url, None, tmp_path, jobs=1, dry_run=False)
    assert code == 1
    assert "antiphon demo" in capsys.readouterr().out


def test_a_demo_login_of_another_server_is_told(
    stand_in: Any, music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_login(tmp_path, Login("demo", "demo@example.com", "from somewhere else"))
    assert import_music(music, stand_in.url, None, tmp_path, jobs=1, dry_run=False) == 1
    assert f"is not valid. Run `antiphon demo --url {stand_in.url}`" in capsys.readouterr().out


def test_a_wrong_password_is_told(stand_in: Any, music: Path) -> None:
    process = start(stand_in, music, "--username", "ada")
    printed = process.communicate(timeout=WAIT_SECONDS)[0]
    assert process.returncode == 1
    assert "Wrong name or password" in printed


def test_an_empty_folder_is_no_failure(
    stand_in: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_music(tmp_path, stand_in.url, None, tmp_path, jobs=1, dry_run=False) == 0
    assert "Found 0 audio files" in capsys.readouterr().out


def test_the_report_names_what_remains(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    print_report(Console(), Report(lost="The server is gone."), tmp_path)
    assert "The server is gone." in capsys.readouterr().out
