"""The commands `up`, `status` and `admin create`; what they need is imported when they run."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path,
    typer.Option(envvar="ANTIPHON_DATA_DIR", help="Where databases, audio, logs and secrets are."),
]
_HERE = Path("data")

admin = typer.Typer(help="Look after accounts at the machine itself.", no_args_is_help=True)


def up(
    data_dir: DataDir = _HERE,
    port: Annotated[
        int, typer.Option(min=1, max=65535, envvar="ANTIPHON_PORT", help="Port on 127.0.0.1.")
    ] = 8080,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Start empty.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show all log lines.")] = False,
) -> None:
    """Start all of Antiphon here; Ctrl-C stops it."""
    from antiphon.embedded import prepare

    prepare.up(data_dir, port, demo=not no_demo, verbose=verbose)


def status(data_dir: DataDir = _HERE) -> None:
    """Say whether Antiphon runs in the data folder, and as which processes."""
    from antiphon.embedded.status import report

    lines, running = report(data_dir)
    for line in lines:
        typer.echo(line)
    if not running:
        raise typer.Exit(1)


@admin.callback()
def _group() -> None:
    """Keep `create` a command of its own, though it is the only one."""


@admin.command("create")
def create_admin(
    email: Annotated[str, typer.Option(help="Its e-mail address.")],
    username: Annotated[str, typer.Option(help="Its user name.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data_dir: DataDir = _HERE,
) -> None:
    """Make an administrator, in the data folder or where AUTH_DATABASE_URL points."""
    from antiphon.embedded import administration
    from antiphon.embedded.folder import CannotStartError

    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        code = administration.create_admin(data_dir, os.environ, email, username, password)
    except CannotStartError as error:
        typer.echo(str(error), err=True)
        code = 1
    raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("up")(up)
    app.command("status")(status)
    app.add_typer(admin, name="admin")
