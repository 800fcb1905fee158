"""The edge of every command here: arguments into values, errors into messages and exit codes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from antiphon.bus.sources import Sources


@contextmanager
def opened(data_dir: Path) -> Iterator["Sources"]:
    """Give what to look into; a database that cannot be read or changed ends with code 1."""
    from sqlalchemy.exc import SQLAlchemyError

    from antiphon.bus.printing import complain
    from antiphon.bus.sources import NoSourceError, find_sources

    try:
        sources = find_sources(data_dir, os.environ)
        if sources.unknown:
            names = ", ".join(sources.unknown)
            complain(f"Unknown, since their databases were not named: {names}.")
        yield sources
    except NoSourceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        typer.echo(f"The database refused: {reason}. Running the command again is safe.", err=True)
        raise typer.Exit(1) from None


def read_time(text: str) -> datetime:
    """Read a time or age; one that is none ends with code 2."""
    from antiphon.bus.times import format_time, parse_time

    now = datetime.now(UTC)
    try:
        moment = parse_time(text, now)
        if moment > now:
            raise ValueError(f"{format_time(moment)} is in the future.")
        return moment
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None
