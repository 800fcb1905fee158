"""The `antiphon` command. A command's module imports only typer at its top, the rest when run."""

from importlib import metadata
from typing import Annotated

import typer

from antiphon.bus import commands as bus
from antiphon.bus import job_commands as jobs
from antiphon.demo import command as demo
from antiphon.embedded import commands as embedded
from antiphon.importing import command as importing

app = typer.Typer(
    name="antiphon",
    help="Antiphon: run it here, fill it, look after it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"antiphon {metadata.version('antiphon')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


embedded.register(app)
demo.register(app)
importing.register(app)
bus.register(app)
jobs.register(app)
