"""The web process: `gunicorn -c python:common.web.gunicorn playlist.wsgi:app`."""

from common.logging import configure_logging

from playlist.app import create_app, create_database, create_verifier
from playlist.settings import PlaylistSettings

settings = PlaylistSettings()
configure_logging("playlist", settings.log_level, settings.log_format)
database = create_database(settings)
app = create_app(settings, database, create_verifier(settings, database))
