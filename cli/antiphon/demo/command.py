"""The command `demo`; what it needs is imported when it runs."""

from pathlib import Path

import typer

from antiphon.embedded.commands import DataDir
from antiphon.importing.command import LOCAL_URL, ServerUrl


def demo(url: ServerUrl = None, data_dir: DataDir = Path("data")) -> None:
    """Compose, upload and publish a small album of our own. Again does no harm."""
    from antiphon.demo.publishing import publish_demo
    from antiphon.embedded.status import running_url

    raise typer.Exit(publish_demo(url or running_url(data_dir) or LOCAL_URL, data_dir))


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo")(demo)
