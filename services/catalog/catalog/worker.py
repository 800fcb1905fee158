"""The worker process: `python -m catalog.worker` relays catalog's events and applies others'."""

from common.events.worker import run_worker

from catalog.app import create_database
from catalog.consumers import auth, media, playlist
from catalog.settings import CatalogSettings

subscriptions = auth.subscriptions | media.subscriptions | playlist.subscriptions

if __name__ == "__main__":
    settings = CatalogSettings()
    run_worker("catalog", settings, create_database(settings), subscriptions)
