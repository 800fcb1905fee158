"""The web process: `gunicorn -c python:common.gunicorn auth.wsgi:app`."""

from auth.app import create_app
from auth.settings import AuthSettings
from common.events import open_database
from common.logging import configure_logging
from common.settings import load
from common.tracing import configure_tracing

settings = load(AuthSettings)
configure_logging("auth", settings.log_level, settings.log_format)
configure_tracing("auth")
app = create_app(settings, open_database("auth", settings))
