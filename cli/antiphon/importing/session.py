"""`antiphon import` from the login to the last line."""

import os
import sys
import threading
from pathlib import Path

from rich.console import Console

from antiphon.client.api import AntiphonClient
from antiphon.client.errors import ClientError, LoginError
from antiphon.client.retry import Retry
from antiphon.demo.login import read_login
from antiphon.importing.display import choose_display
from antiphon.importing.names import shown
from antiphon.importing.report import Outcome, Report
from antiphon.importing.run import Import, look_only, wait_unless_stopped
from antiphon.importing.walking import Findings, find_audio


def import_music(
    folder: Path, url: str, username: str | None, data_dir: Path, *, jobs: int, dry_run: bool
) -> int:
    """Import a folder and print what became of it; returns the exit code."""
    console = Console()
    findings = find_audio(folder)
    _print_findings(console, findings, folder)
    if not findings.files:
        return 1 if findings.unreadable else 0
    stop = threading.Event()
    try:
        client = AntiphonClient(url, Retry(wait=wait_unless_stopped(stop)))
        owner = _log_in(client, username, data_dir)
        console.print(f"Importing as {owner} at {client.url}.", markup=False, highlight=False)
        with choose_display(console, folder, len(findings.files)) as display:
            if dry_run:
                report = look_only(client, findings.files, display)
            else:
                report = Import(client, findings.files, display, stop=stop, jobs=jobs).run()
    except ClientError as error:
        _print_red(console, str(error))
        return 1
    except KeyboardInterrupt:
        console.print("Stopped; nothing was sent.")
        return 130
    print_report(console, report, folder)
    return report.exit_code or (1 if findings.unreadable else 0)


def _log_in(client: AntiphonClient, username: str | None, data_dir: Path) -> str:
    """Log in; return whose music it becomes."""
    if username is not None:
        client.log_in(username, _password(username))
        return username
    login = read_login(data_dir)
    advice = (
        f"Run `antiphon demo --url {client.url}` first, name another data folder with --data-dir, "
        "or say whose music it is with --username."
    )
    if login is None:
        raise LoginError(f"There is no demo login in {data_dir.absolute()}. {advice}")
    try:
        client.log_in(login.username, login.password)
    except LoginError as error:
        raise LoginError(f"The demo login in {data_dir} is not valid. {advice}") from error
    return login.username


def _password(username: str) -> str:
    password = os.environ.get("ANTIPHON_PASSWORD")
    if password:
        return password
    if not sys.stdin.isatty():
        raise LoginError("Set ANTIPHON_PASSWORD: there is no terminal to ask for the password.")
    return Console().input(f"Password of {username}: ", password=True, markup=False)


def _print_findings(console: Console, findings: Findings, folder: Path) -> None:
    console.print(
        f"Found {len(findings.files)} audio files in {shown(folder, folder.parent)}; "
        f"{findings.ignored} other files are ignored.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    for path, reason in findings.unreadable:
        _print_red(console, f"Cannot look into {shown(path, folder)}: {reason}")


def print_report(console: Console, report: Report, folder: Path) -> None:
    """Print how many files ended how, each failure with its reason, and what remains."""
    counts = report.counts()
    for outcome in Outcome:
        if counts[outcome]:
            console.print(f"{outcome:<18}{counts[outcome]:>6}", highlight=False)
    for result in report.having([Outcome.FAILED]):
        _print_red(console, f"failed: {shown(result.path, folder)}: {result.detail}")
    if report.lost:
        _print_red(console, report.lost)
    if counts[Outcome.NOT_SENT] or counts[Outcome.IN_PROGRESS]:
        console.print("Run the same command again to go on where this one stopped.")


def _print_red(console: Console, text: str) -> None:
    console.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
