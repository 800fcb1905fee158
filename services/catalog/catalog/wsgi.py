"""The web process: `gunicorn -c python:common.gunicorn catalog.wsgi:app`."""

from catalog.app import create_app
from catalog.settings import CatalogSettings
from common.auth.tokens import create_verifier
from common.cache import Cache
from common.events import open_database
from common.logging import configure_logging
from common.settings import load
from common.tracing import configure_tracing

settings = load(CatalogSettings)
configure_logging("catalog", settings.log_level, settings.log_format)
configure_tracing("catalog")
database = open_database("catalog", settings, cache=Cache(settings.cache_url, "catalog"))
app = create_app(settings, database, create_verifier(settings, database))
