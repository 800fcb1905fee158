"""The worker process: `python -m catalog.worker` relays catalog's events and applies others'."""

from catalog.consumers import auth, media, playlist
from catalog.services.erasure import make_eraser
from catalog.settings import CatalogSettings
from common.cache import Cache
from common.events import open_database
from common.events.worker import run_worker
from common.idempotency import prune_answers
from common.settings import load

subscriptions = auth.subscriptions | media.subscriptions | playlist.subscriptions

if __name__ == "__main__":
    settings = load(CatalogSettings)
    database = open_database("catalog", settings, cache=Cache(settings.cache_url, "catalog"))
    run_worker(
        "catalog",
        settings,
        database,
        subscriptions,
        chores=[make_eraser(database)],
        pruners=[prune_answers],
    )
