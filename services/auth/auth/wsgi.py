"""The web process: `gunicorn -c python:common.web.gunicorn auth.wsgi:app`."""

from common.logging import configure_logging

from auth.app import create_app, create_database
from auth.settings import AuthSettings

settings = AuthSettings()
configure_logging("auth", settings.log_level, settings.log_format)
app = create_app(settings, create_database(settings))
