"""Tables for people, JSON for machines, and the record of what was changed."""

import getpass
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

# What is piped somewhere is read by programs that want whole ids.
_PIPED_WIDTH = 250
_LONGEST_LINE = 100


def print_json(value: object) -> None:
    """Print a value as JSON, times as RFC 3339."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()
) -> None:
    """Print rows, if any; the last column may take several lines, the others never do."""
    if not rows:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        last = name == columns[-1]
        justify: Any = "right" if name in numbers else "left"
        table.add_column(name, justify=justify, no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    Console(width=width, highlight=False, markup=False).print(table)


def first_line(text: str) -> str:
    """Return what of an error fits into a table."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def complain(text: str) -> None:
    """Print what is wrong on stderr."""
    typer.secho(text, fg="red", err=True)


@dataclass
class Record:
    """What a command changed and what it refused, printed in the end."""

    action: str
    changed: list[Mapping[str, Any]] = field(default_factory=list)
    refused: list[Mapping[str, Any]] = field(default_factory=list)

    def refuse(self, reason: str, **what: Any) -> None:
        """Note what was left as it is, and why."""
        self.refused.append({**what, "reason": reason})

    def finish(self, sentence: str, remark: str = "", *, as_json: bool) -> None:
        """Print it, a line for each change; leave with code 1 unless all was done, and something.

        `sentence` is a format of the fields of a change; `remark` follows if there was any.
        """
        if as_json:
            print_json({"at": datetime.now(UTC), "by": _user(), **vars(self)})
        else:
            for change in self.changed:
                typer.echo(sentence.format(**change))
            for refusal in self.refused:
                complain(refusal["reason"])
            if not self.changed:
                complain("Nothing was changed.")
            elif remark:
                typer.echo(remark)
        if self.refused or not self.changed:
            raise typer.Exit(1)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return str(os.getuid())


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")
