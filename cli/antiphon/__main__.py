"""`python -m antiphon`: the `antiphon` command."""

from antiphon.main import app

app()
