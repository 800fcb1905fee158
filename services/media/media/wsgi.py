"""The web process: `gunicorn -c python:common.gunicorn media.wsgi:app`."""

from common.events import open_database
from common.logging import configure_logging
from common.settings import load
from common.tracing import configure_tracing
from media.app import create_app
from media.settings import MediaSettings

settings = load(MediaSettings)
configure_logging("media", settings.log_level, settings.log_format)
configure_tracing("media")
app = create_app(settings, open_database("media", settings))
