"""The command `import`; what it needs is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from antiphon.embedded.commands import DataDir

LOCAL_URL = "http://localhost:8080"
ServerUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="ANTIPHON_URL",
        help="Where Antiphon's gateway is; without it, what runs in the data folder.",
        show_default=LOCAL_URL,
    ),
]


def import_folder(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Folder with music, at any depth.")
    ],
    url: ServerUrl = None,
    username: Annotated[
        str | None,
        typer.Option(
            "--username",
            "--email",
            help="Whose music it becomes; the password comes from ANTIPHON_PASSWORD or a prompt. "
            "Without it: the demo login of the data folder.",
        ),
    ] = None,
    data_dir: DataDir = Path("data"),
    jobs: Annotated[int, typer.Option(min=1, max=32, help="Files sent at once.")] = 4,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be uploaded.")
    ] = False,
) -> None:
    """Upload a folder of music and wait until it is published. Run it again to go on."""
    from antiphon.embedded.status import running_url
    from antiphon.importing.session import import_music

    server = url or running_url(data_dir) or LOCAL_URL
    raise typer.Exit(import_music(folder, server, username, data_dir, jobs=jobs, dry_run=dry_run))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("import")(import_folder)
