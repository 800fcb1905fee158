"""The web process: `gunicorn -c python:common.web.gunicorn catalog.wsgi:app`."""

from common.logging import configure_logging

from catalog.app import create_app, create_database, create_verifier
from catalog.settings import CatalogSettings

settings = CatalogSettings()
configure_logging("catalog", settings.log_level, settings.log_format)
database = create_database(settings)
app = create_app(settings, database, create_verifier(settings, database))
