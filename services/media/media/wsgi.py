"""The web process: `gunicorn -c python:common.web.gunicorn media.wsgi:app`."""

from common.logging import configure_logging

from media.app import create_app, create_database
from media.settings import MediaSettings

settings = MediaSettings()
configure_logging("media", settings.log_level, settings.log_format)
app = create_app(settings, create_database(settings))
