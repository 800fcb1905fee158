"""The web process: `gunicorn -c python:common.gunicorn playlist.wsgi:app`."""

from common.auth.tokens import create_verifier
from common.events import open_database
from common.logging import configure_logging
from common.settings import load
from common.tracing import configure_tracing
from playlist.app import create_app
from playlist.settings import PlaylistSettings

settings = load(PlaylistSettings)
configure_logging("playlist", settings.log_level, settings.log_format)
configure_tracing("playlist")
database = open_database("playlist", settings)
app = create_app(settings, database, create_verifier(settings, database))
